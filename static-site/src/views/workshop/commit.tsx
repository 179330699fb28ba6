/** Committing the draft to the library: what it will be called, and what that creates or replaces. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Runs } from "../../draft/runs";
import type { DraftSession } from "../../draft/session";
import { keptText } from "../../keep/kept";
import { copy } from "../../parts/copy";
import { Dialog } from "../../parts/dialog";
import { DiffSize, DiffView } from "../../parts/diff-view";
import { Failed, Notice, Working } from "../../parts/notice";
import { DESCRIPTION_MAX, length, nameProblem, oneLine, promptName, TITLE_LENGTH } from "../../rules/text";
import { commitDraft, type FullPrompt, getPrompt, newKey, Refused } from "../../server";

/** A pause in typing after which the name is looked up. */
const LOOK_AFTER_MS = 300;

type Standing =
  | { is: "looking" }
  | { is: "free" }
  | { is: "next"; prompt: FullPrompt }
  | { is: "same"; prompt: FullPrompt }
  | { is: "taken"; why: string }
  | { is: "unknown"; error: unknown };

export function Commit({
  session,
  runs,
  onClose,
}: {
  session: DraftSession;
  runs: Runs;
  onClose: () => void;
}) {
  const base = session.base.value;
  const known = base?.committed_prompt_name ?? null;
  const title = useKept(`commit-title:${session.id}`, session.name.value);
  const description = useKept(`commit-description:${session.id}`, session.description.value);
  const typed = useKept(`commit-name:${session.id}`, known ?? "");
  const name = typed.value !== "" ? typed.value : promptName(title.value);
  const standing = useSignal<Standing>({ is: "looking" });
  const isCommitting = useSignal(false);
  const error = useSignal<unknown>(undefined);
  const key = useSignal(newKey());
  const done = useSignal<{ name: string; version: number } | null>(null);
  const look = useSignal(0);

  // A clone of one's own prompt is mostly meant to become its next version.
  const parent = useSignal<FullPrompt | null>(null);
  useEffect(() => {
    const origin = base?.parent_prompt_name;
    if (!origin || known !== null) return;
    getPrompt(origin).then(
      (prompt) => {
        if (prompt.is_own) parent.value = prompt;
      },
      () => {},
    );
  }, []);

  const wrongName = nameProblem(name);
  const titleLength = length(title.value.trim());
  const wrongTitle =
    titleLength < TITLE_LENGTH[0]
      ? `A title needs at least ${TITLE_LENGTH[0]} characters.`
      : titleLength > TITLE_LENGTH[1]
        ? `A title has at most ${TITLE_LENGTH[1]} characters.`
        : null;
  const wrongDescription = length(description.value.trim()) > DESCRIPTION_MAX;

  // The name is checked as one types; the newest answer counts.
  useEffect(() => {
    if (wrongName !== null) return;
    let isOld = false;
    standing.value = { is: "looking" };
    const timer = setTimeout(async () => {
      const found = await lookUp(name, session);
      if (!isOld) standing.value = found;
    }, LOOK_AFTER_MS);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [name, wrongName, look.value]);

  const can =
    wrongName === null &&
    wrongTitle === null &&
    !wrongDescription &&
    (standing.value.is === "free" || standing.value.is === "next") &&
    !isCommitting.value;

  const commit = async (): Promise<void> => {
    if (!can) return;
    isCommitting.value = true;
    error.value = undefined;
    try {
      if (!(await session.saveNow())) {
        error.value = UNSAVED;
        return;
      }
      const revision = session.base.value?.revision ?? 0;
      const made = await commitDraft(
        session.id,
        { name, title: title.value.trim(), description: description.value.trim() },
        revision,
        key.value,
      );
      for (const text of [title, description, typed]) text.forget();
      done.value = { name: made.name, version: made.version };
      void session.refresh();
    } catch (failure) {
      error.value = failure;
      if (failure instanceof Refused) {
        key.value = newKey();
        look.value += 1;
      }
    } finally {
      isCommitting.value = false;
    }
  };

  if (done.value) return <Done done={done.value} onClose={onClose} />;
  const rated = runs.list.value.filter(
    (run) => run.user_rating !== null && run.user_rating !== undefined,
  ).length;
  return (
    <Dialog title="Commit to the library" wide onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void commit();
        }}
      >
        <p class="quiet">
          Everyone of this workshop can read and clone what is in the library. A committed version never
          changes; a later commit adds the next one.
        </p>
        {parent.value && parent.value.name !== name && (
          <Notice
            actions={
              <button
                type="button"
                onClick={() => {
                  typed.value = parent.value?.name ?? "";
                  title.value = parent.value?.title ?? "";
                }}
              >
                Make it the next version
              </button>
            }
          >
            This draft was cloned from your prompt <code>{parent.value.name}</code>.
          </Notice>
        )}
        <div class="field">
          <label for="commit-title">Title</label>
          <input
            id="commit-title"
            value={title.value}
            autocomplete="off"
            aria-invalid={wrongTitle !== null}
            aria-describedby="commit-title-hint"
            onInput={(event) => {
              title.value = oneLine(event.currentTarget.value);
            }}
          />
          <p class={wrongTitle ? "wrong" : "hint"} id="commit-title-hint">
            {wrongTitle ?? "What people read in the library."}
          </p>
        </div>
        <div class="field">
          <label for="commit-name">Name</label>
          <input
            id="commit-name"
            class="mono"
            value={name}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            aria-invalid={wrongName !== null || standing.value.is === "taken"}
            aria-describedby="commit-name-hint"
            onInput={(event) => {
              typed.value = event.currentTarget.value.toLowerCase();
            }}
          />
          <div id="commit-name-hint" role="status">
            {wrongName ? (
              <p class="wrong">{wrongName} It is what programs call the prompt.</p>
            ) : (
              <Consequence standing={standing.value} name={name} retry={() => (look.value += 1)} />
            )}
          </div>
        </div>
        <div class="field">
          <label for="commit-description">Description</label>
          <textarea
            id="commit-description"
            rows={2}
            value={description.value}
            aria-invalid={wrongDescription}
            onInput={(event) => {
              description.value = event.currentTarget.value;
            }}
          />
          {wrongDescription && <p class="wrong">At most {DESCRIPTION_MAX} characters fit.</p>}
        </div>
        {standing.value.is === "next" && (
          <details>
            <summary>
              What changes <DiffSize before={standing.value.prompt.content} after={session.content.value} />
            </summary>
            <DiffView before={standing.value.prompt.content} after={session.content.value} />
          </details>
        )}
        {rated === 0 && <Notice>No test of this draft has a rating yet. You can commit all the same.</Notice>}
        {error.value === UNSAVED ? (
          <Notice kind="warn">
            The draft isn't saved, and only a saved text can be committed. Your text is kept.
          </Notice>
        ) : (
          error.value !== undefined && <Failed error={error.value} />
        )}
        <div class="actions">
          <button type="button" onClick={onClose}>
            Not now
          </button>
          <button type="submit" class="primary" disabled={!can}>
            {isCommitting.value
              ? "Committing…"
              : standing.value.is === "next"
                ? `Commit version ${standing.value.prompt.version + 1}`
                : "Commit"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

const UNSAVED = Symbol("the draft is not saved");

/** A text of this dialog that is kept only when it was changed by hand. */
function useKept(id: string, initial: string) {
  const kept = useSignal<ReturnType<typeof keptText> | null>(null);
  kept.value ??= keptText(id, initial);
  const text = kept.value;
  return {
    get value(): string {
      return text.value;
    },
    set value(next: string) {
      text.value = next;
    },
    forget(): void {
      text.value = initial;
    },
  };
}

async function lookUp(name: string, session: DraftSession): Promise<Standing> {
  try {
    const prompt = await getPrompt(name);
    const base = session.base.value;
    const isOfIt = base?.committed_prompt_name === name || base?.parent_prompt_name === name;
    if (!prompt.is_own) return { is: "taken", why: `${name} is someone else's prompt. Choose another name.` };
    if (!isOfIt) {
      return {
        is: "taken",
        why: `${name} is a prompt of yours that this draft was not made from. Choose another name, or clone it and work on the clone.`,
      };
    }
    return prompt.content === session.content.value ? { is: "same", prompt } : { is: "next", prompt };
  } catch (error) {
    return error instanceof Refused && error.status === 404 ? { is: "free" } : { is: "unknown", error };
  }
}

function Consequence({ standing, name, retry }: { standing: Standing; name: string; retry: () => void }) {
  switch (standing.is) {
    case "looking":
      return <Working>Looking the name up</Working>;
    case "free":
      return (
        <p class="hint">
          The name is free. This creates <code>{name}</code>, version 1.
        </p>
      );
    case "next":
      return (
        <p class="hint">
          This becomes version {standing.prompt.version + 1} of <code>{name}</code>. Whoever asks for the
          prompt gets it from then on; version {standing.prompt.version} stays readable.
        </p>
      );
    case "same":
      return (
        <p class="hint">
          Version {standing.prompt.version} of <code>{name}</code> has this very text already. There is
          nothing to commit.
        </p>
      );
    case "taken":
      return <p class="wrong">{standing.why}</p>;
    case "unknown":
      return <Failed error={standing.error} retry={retry} />;
  }
}

function Done({ done, onClose }: { done: { name: string; version: number }; onClose: () => void }) {
  const link = new URL(`/prompt-workshop?clone=${done.name}`, location.href).href;
  return (
    <Dialog title="It is in the library" onClose={onClose}>
      <p>
        <code>{done.name}</code> has version {done.version} now. Others clone it from the library, or by this
        link:
      </p>
      <p class="row">
        <code>{link}</code>
        <button type="button" class="plain" onClick={() => void copy(link)}>
          Copy
        </button>
      </p>
      <div class="actions">
        <button type="button" onClick={onClose}>
          Go on with the draft
        </button>
        <a class="button primary" href={`/library/${done.name}`} onClick={onClose}>
          See it in the library
        </a>
      </div>
    </Dialog>
  );
}
