/** The library: every prompt that was committed, found as one types. */
import { useComputed, useSignal } from "@preact/signals";
import { Copy as CloneIcon } from "lucide-preact";
import { useEffect } from "preact/hooks";
import { Failed, Working } from "../parts/notice";
import { go, query } from "../parts/router";
import { clonePath, matching, promptPath } from "../rules/library";
import { ago, count, exact, number } from "../rules/when";
import type { Prompt } from "../server";
import { Page } from "../shell";
import { useAllPrompts } from "./library/all-prompts";
import "../styles/library.css";

/** Rows that are drawn at once; more on asking. */
const SHOWN = 200;

export function Library() {
  const { prompts, total, loading, error, resume } = useAllPrompts();
  const wanted = useSignal(query.peek().get("q") ?? "");
  const shown = useSignal(SHOWN);
  const found = useComputed(() => matching(prompts.value, wanted.value));

  const search = (text: string): void => {
    wanted.value = text;
    shown.value = SHOWN;
  };
  // The way back, or to the library from itself, changes the address, and the search with it.
  const inAddress = query.value.get("q") ?? "";
  useEffect(() => {
    if (wanted.peek().trim() !== inAddress) search(inAddress);
  }, [inAddress]);
  const searched = wanted.value.trim() !== "";
  const ready = !loading.value && error.value === undefined;

  return (
    <Page
      title="Library"
      lead="Prompts that were committed for everyone. Read one, or clone it into a draft of your own; the original stays as it is."
    >
      <div class="library">
        <div class="library-search">
          <div class="field">
            <label for="library-query">Search</label>
            <input
              id="library-query"
              type="search"
              autocomplete="off"
              placeholder="Words of a name, title or description"
              value={wanted.value}
              onInput={(event) => search(event.currentTarget.value)}
              onChange={() => remember(wanted.value)}
            />
          </div>
          <p class="quiet small number" role="status">
            {prompts.value.length > 0 && amount(found.value.length, total.value ?? 0, searched)}
          </p>
        </div>

        {found.value.length > 0 && (
          <ul class="prompts">
            {found.value.slice(0, shown.value).map((prompt) => (
              <Row key={prompt.name} prompt={prompt} />
            ))}
          </ul>
        )}
        {found.value.length > shown.value && (
          <p>
            <button
              type="button"
              onClick={() => {
                shown.value += SHOWN;
              }}
            >
              Show {number(Math.min(SHOWN, found.value.length - shown.value))} more
            </button>
          </p>
        )}

        {loading.value && (
          <p>
            <Working>
              {prompts.value.length === 0
                ? "Loading the library"
                : `Loading more: ${number(prompts.value.length)} of ${number(total.value ?? 0)}`}
            </Working>
          </p>
        )}
        {error.value !== undefined && <Failed error={error.value} retry={resume} />}

        {ready && prompts.value.length === 0 && (
          <div class="empty">
            <h2>The library is empty</h2>
            <p>
              A prompt comes here when a draft is committed: it gets a name, and from then on everyone can
              read and clone it. Every later commit adds a version; none is overwritten.
            </p>
            <a class="button" href="/">
              Go to your drafts
            </a>
          </div>
        )}
        {ready && prompts.value.length > 0 && found.value.length === 0 && (
          <div class="empty">
            <h2>No prompt has these words</h2>
            <p>
              All of them must be in a prompt's name, title or description; the text of a prompt isn't
              searched. Try fewer words, or parts of them.
            </p>
            <button
              type="button"
              onClick={() => {
                search("");
                remember("");
                document.getElementById("library-query")?.focus();
              }}
            >
              Show all {number(prompts.value.length)}
            </button>
          </div>
        )}
      </div>
    </Page>
  );
}

function Row({ prompt }: { prompt: Prompt }) {
  return (
    <li>
      <div class="what">
        <h2>
          <a href={promptPath(prompt.name)}>{prompt.title}</a>
        </h2>
        <p class="mono quiet">{prompt.name}</p>
        {prompt.description !== "" && <p class="description">{prompt.description}</p>}
      </div>
      <p class="facts quiet small number">
        {prompt.is_default && <span class="mark">Ships with the workshop</span>}
        <span>Version {prompt.version}</span>
        <span>{count(prompt.clone_count, "clone")}</span>
        <time dateTime={prompt.updated_at} title={exact(prompt.updated_at)}>
          {ago(prompt.updated_at, Date.now())}
        </time>
      </p>
      <a class="button plain" href={clonePath(prompt.name)} aria-label={`Clone ${prompt.title}`}>
        <CloneIcon class="icon" aria-hidden="true" />
        Clone
      </a>
    </li>
  );
}

const amount = (found: number, total: number, searched: boolean): string =>
  searched ? `${number(found)} of ${count(total, "prompt")}` : count(total, "prompt");

/** The search in the address: it survives a reload, and the way back from a prompt. */
function remember(text: string): void {
  const wanted = text.trim();
  go(wanted === "" ? "/library" : `/library?q=${encodeURIComponent(wanted)}`, { replace: true });
}
