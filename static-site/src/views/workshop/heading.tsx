/** What the draft is called, where it stands, whether it is saved, and when it expires. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Runs } from "../../draft/runs";
import type { DraftSession, SaveState } from "../../draft/session";
import { journal } from "../../draft/world";
import { Notice } from "../../parts/notice";
import { go } from "../../parts/router";
import { CONTENT_MIN, length } from "../../rules/text";
import { daysUntil, exact, time, until } from "../../rules/when";
import { newKey, startDraft } from "../../server";
import { Commit } from "./commit";

/** From here on the page warns that a draft expires. */
const EXPIRY_WARNING_DAYS = 7;

export function Heading({ session, runs }: { session: DraftSession; runs: Runs }) {
  const isCommitting = useSignal(false);
  const base = session.base.value;
  const problems = session.problems.value;
  const status = session.status.value;
  const isShort = length(session.content.value) < CONTENT_MIN;
  return (
    <>
      <header class="heading">
        <div class="names">
          <label for="draft-name" class="visually-hidden">
            Name
          </label>
          <input
            id="draft-name"
            class="name"
            value={session.name.value}
            maxLength={200}
            autocomplete="off"
            aria-invalid={problems.name !== undefined}
            aria-describedby={problems.name === undefined ? undefined : "name-problem"}
            onInput={(event) => session.edit({ name: event.currentTarget.value })}
          />
          <button
            type="button"
            class="primary"
            disabled={isShort || session.conflict.value !== null}
            title={isShort ? `A prompt needs at least ${CONTENT_MIN} characters.` : undefined}
            onClick={() => {
              isCommitting.value = true;
            }}
          >
            Commit<span class="wide-only"> to the library</span>
          </button>
        </div>
        {problems.name && (
          <p class="wrong" id="name-problem">
            {problems.name} The name is not saved until then.
          </p>
        )}
        <label for="draft-description" class="visually-hidden">
          Description
        </label>
        <input
          id="draft-description"
          class="description"
          value={session.description.value}
          placeholder="Describe it in a sentence"
          autocomplete="off"
          aria-invalid={problems.description !== undefined}
          aria-describedby={problems.description === undefined ? undefined : "description-problem"}
          onInput={(event) => session.edit({ description: event.currentTarget.value })}
        />
        {problems.description && (
          <p class="wrong" id="description-problem">
            {problems.description}
          </p>
        )}
        <div class="facts">
          <span class="status-choice">
            <label for="draft-status" class="visually-hidden">
              Status
            </label>
            <select
              id="draft-status"
              value={status}
              onChange={(event) => {
                const chosen = event.currentTarget.value;
                if (chosen === "draft" || chosen === "testing" || chosen === "ready")
                  session.edit({ status: chosen });
              }}
            >
              <option value="draft">Draft</option>
              <option value="testing">Testing</option>
              <option value="ready">Ready</option>
              {status === "committed" && <option value="committed">Committed</option>}
            </select>
          </span>
          <Saved session={session} />
          {base && (
            <span
              class={daysUntil(base.expires_at, Date.now()) < EXPIRY_WARNING_DAYS ? "wrong" : "quiet small"}
              title={`${exact(base.expires_at)}. Every save, message, test or rating renews it.`}
            >
              Expires {until(base.expires_at, Date.now())}
            </span>
          )}
          {base?.committed_prompt_name && (
            <a class="small" href={`/library/${base.committed_prompt_name}`}>
              {base.committed_prompt_name} v{base.committed_version}
            </a>
          )}
          {base?.parent_prompt_name && base.parent_prompt_name !== base.committed_prompt_name && (
            <span class="quiet small">
              from <a href={`/library/${base.parent_prompt_name}`}>{base.parent_prompt_name}</a>
            </span>
          )}
        </div>
        {session.save.value.is === "gone" && <Gone session={session} />}
        {session.notice.value && (
          <Notice
            actions={
              <button type="button" class="plain" onClick={() => (session.notice.value = null)}>
                Close
              </button>
            }
          >
            {session.notice.value}
          </Notice>
        )}
      </header>
      {isCommitting.value && (
        <Commit
          session={session}
          runs={runs}
          onClose={() => {
            isCommitting.value = false;
          }}
        />
      )}
    </>
  );
}

/** Where the newest words are: always true, never more than that. */
function Saved({ session }: { session: DraftSession }) {
  const state = session.save.value;
  const { mood, words } = worded(state, session.isKept.value);
  const canHurry = state.is === "edited" || state.is === "offline" || state.is === "failed";
  return (
    <span class="saved">
      <span class={`status ${mood} small`} role="status" aria-live="polite">
        {words}
        {"retryAt" in state && state.retryAt !== null && <Countdown to={state.retryAt} />}
      </span>
      {canHurry && (
        <button type="button" class="link small" onClick={() => session.wake()}>
          Try now
        </button>
      )}
    </span>
  );
}

function worded(state: SaveState, isKept: boolean): { mood: string; words: string } {
  const here = isKept ? "kept in this browser" : "only on this screen: the browser's storage is off or full";
  switch (state.is) {
    case "saved":
      return { mood: "good", words: `Saved at ${time(state.at)}` };
    case "saving":
      return { mood: "busy", words: "Saving…" };
    case "edited":
      return isKept
        ? { mood: "busy", words: "Edited, saving soon" }
        : { mood: "warn", words: `Edited; ${here}` };
    case "offline":
      return { mood: "warn", words: `No connection; your text is ${here}.` };
    case "failed":
      return { mood: "bad", words: `Not saved: ${state.why} Your text is ${here}.` };
    case "signed-out":
      return { mood: "warn", words: `Not saved: your sign-in has ended. Your text is ${here}.` };
    case "conflict":
      return { mood: "warn", words: `Waiting for your choice; your text is ${here}.` };
    case "gone":
      return { mood: "bad", words: `Not saved: the draft is gone. Your text is ${here}.` };
  }
}

function Countdown({ to }: { to: number }) {
  const left = useSignal(0);
  useEffect(() => {
    const tick = (): void => {
      left.value = Math.max(0, Math.ceil((to - Date.now()) / 1_000));
    };
    tick();
    const timer = setInterval(tick, 1_000);
    return () => clearInterval(timer);
  }, [to]);
  // Read out once, not every second.
  return <span aria-hidden="true"> Trying again {left.value === 0 ? "now" : `in ${left.value} s`}</span>;
}

/** The draft was deleted or has expired while its text is still here. */
function Gone({ session }: { session: DraftSession }) {
  const error = useSignal(false);
  const key = useSignal(newKey());
  const again = async (): Promise<void> => {
    error.value = false;
    try {
      const name = session.name.value.trim();
      const made = await startDraft(
        {
          starting_prompt: session.content.value,
          ...(name.length >= 3 ? { draft_name: name.slice(0, 100) } : {}),
        },
        key.value,
      );
      // The new draft has the text now; the old one's would be offered for ever.
      await (await journal).forgetDraft(session.id).catch(() => {});
      go(`/prompt-workshop?draft_id=${made.draft_id}`, { replace: true });
    } catch {
      error.value = true;
    }
  };
  return (
    <Notice
      kind="bad"
      actions={
        <button type="button" class="primary" onClick={() => void again()}>
          Make a new draft of it
        </button>
      }
    >
      {error.value
        ? "That didn't work just now. Your text is still here; try again."
        : "This draft was deleted elsewhere, or it expired. Your text is still here."}
    </Notice>
  );
}
