/** A prompt's versions: one to look at, another to compare it with. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Failed, Working } from "../../parts/notice";
import { go } from "../../parts/router";
import { promptPath } from "../../rules/library";
import { ago, count, exact } from "../../rules/when";
import { type FullPrompt, listVersions, type PromptVersion } from "../../server";

export function Versions({ prompt, against }: { prompt: FullPrompt; against: number | undefined }) {
  const { name, version, newest_version: newest } = prompt;
  const versions = useSignal<PromptVersion[]>([]);
  const cursor = useSignal<string | null | undefined>(undefined);
  const loading = useSignal(false);
  const error = useSignal<unknown>(undefined);

  const more = async (): Promise<void> => {
    loading.value = true;
    error.value = undefined;
    try {
      const page = await listVersions(name, cursor.value);
      versions.value = [...versions.value, ...page.versions];
      cursor.value = page.next_cursor ?? null;
    } catch (failure) {
      error.value = failure;
    } finally {
      loading.value = false;
    }
  };
  useEffect(() => {
    void more();
  }, []);

  const at = (shown: number, compared?: number): string => {
    const parts = [
      ...(shown === newest ? [] : [`version=${shown}`]),
      ...(compared === undefined ? [] : [`against=${compared}`]),
    ];
    return promptPath(name, parts.join("&"));
  };

  return (
    <section aria-labelledby="versions-heading">
      <h2 id="versions-heading">Versions</h2>
      {newest === 1 ? (
        <p class="hint">
          There is one so far. Committing a draft of this prompt again adds the next; none is overwritten, and
          any two can be compared here.
        </p>
      ) : (
        <>
          <ol class="versions number">
            {versions.value.map((one) => (
              <li key={one.version}>
                <a href={at(one.version)} aria-current={one.version === version ? "true" : undefined}>
                  Version {one.version}
                </a>
                <time
                  class="quiet small"
                  dateTime={one.created_at}
                  title={`${exact(one.created_at)}, ${count(one.content_length, "character")}`}
                >
                  {ago(one.created_at, Date.now())}
                </time>
                {one.title !== prompt.title && <span class="quiet small titled">as “{one.title}”</span>}
              </li>
            ))}
          </ol>
          {cursor.value && (
            <button type="button" class="plain" disabled={loading.value} onClick={() => void more()}>
              Older versions
            </button>
          )}
          <div class="field">
            <label for="against">Compare version {version} with</label>
            <select
              id="against"
              value={against === undefined ? "" : String(against)}
              onChange={(event) => {
                const chosen = event.currentTarget.value;
                go(at(version, chosen === "" ? undefined : Number(chosen)), { replace: true });
              }}
            >
              <option value="">none: show its text</option>
              {versions.value
                .filter((one) => one.version !== version)
                .map((one) => (
                  <option key={one.version} value={String(one.version)}>
                    {one.version === newest ? `version ${one.version}, the newest` : `version ${one.version}`}
                  </option>
                ))}
            </select>
          </div>
        </>
      )}
      {loading.value && <Working>Loading versions</Working>}
      {error.value !== undefined && <Failed error={error.value} retry={() => void more()} />}
    </section>
  );
}
