/** The prompt's text: the editor, or what has to be decided before one can go on writing. */
import { type ReadonlySignal, type Signal, useSignal } from "@preact/signals";
import { Copy, RotateCcw, Save, Search } from "lucide-preact";
import { useMemo, useRef } from "preact/hooks";
import type { Proposal } from "../../draft/conversation";
import type { DraftSession } from "../../draft/session";
import { copy } from "../../parts/copy";
import type { EditorHandle } from "../../parts/editor";
import { lazy } from "../../parts/lazy";
import { say } from "../../parts/toasts";
import { CONTENT_MAX, CONTENT_MIN, length, tokens } from "../../rules/text";
import { number } from "../../rules/when";
import { getPrompt } from "../../server";
import { Choosing } from "./choosing";
import { Proposed } from "./proposed";
import { replaceText } from "./replace";

const Editor = lazy(async () => (await import("../../parts/editor")).Editor);

const HINT =
  "Write the system prompt here, or let the assistant propose one: its role, what to research, the form of the answer, how sources are cited.";

export function DraftTab({
  session,
  proposal,
  isProposalShown,
  onEditor,
}: {
  session: DraftSession;
  proposal: ReadonlySignal<Proposal | null>;
  isProposalShown: Signal<boolean>;
  onEditor: (editor: EditorHandle | null) => void;
}) {
  const editor = useRef<EditorHandle | null>(null);
  const isAside = session.conflict.value !== null || (isProposalShown.value && proposal.value !== null);
  return (
    <div class="draft-tab">
      {session.conflict.value && <Choosing session={session} conflict={session.conflict.value} />}
      {!session.conflict.value && isProposalShown.value && proposal.value && (
        <Proposed
          proposal={proposal.value}
          session={session}
          onClose={() => {
            isProposalShown.value = false;
            requestAnimationFrame(() => editor.current?.focus());
          }}
        />
      )}
      <div class="writing" hidden={isAside}>
        <Tools session={session} editor={editor} />
        <Editor
          label="Text of the prompt"
          hint={HINT}
          text={session.content}
          onChange={(content) => session.edit({ content })}
          onSave={() => void session.saveNow()}
          onReady={(handle) => {
            editor.current = handle;
            onEditor(handle);
          }}
        />
        <Counts session={session} />
      </div>
    </div>
  );
}

function Tools({ session, editor }: { session: DraftSession; editor: { current: EditorHandle | null } }) {
  const opened = useMemo(() => session.content.peek(), [session]);
  const isAsking = useSignal(false);
  const parent = session.base.value?.parent_prompt_name;

  const reset = (text: string): void => replaceText(session, text, "The text was reset.");
  const choose = async (to: string): Promise<void> => {
    if (to === "opened") reset(opened);
    if (to === "empty") reset("");
    if (to !== "parent" || !parent) return;
    isAsking.value = true;
    try {
      reset((await getPrompt(parent)).content);
    } catch {
      say(`${parent} could not be read from the library. Your text is as it was.`);
    } finally {
      isAsking.value = false;
    }
  };
  return (
    <div class="tools">
      <button type="button" class="plain" onClick={() => void session.saveNow()}>
        <Save class="icon" aria-hidden="true" />
        Save
      </button>
      <button type="button" class="plain" onClick={() => editor.current?.find()}>
        <Search class="icon" aria-hidden="true" />
        Find
      </button>
      <button type="button" class="plain" onClick={() => void copy(session.content.value)}>
        <Copy class="icon" aria-hidden="true" />
        Copy
      </button>
      <span class="reset">
        <RotateCcw class="icon" aria-hidden="true" />
        <label for="reset" class="visually-hidden">
          Reset the text to
        </label>
        <select
          id="reset"
          value=""
          disabled={isAsking.value}
          onChange={(event) => {
            const to = event.currentTarget.value;
            event.currentTarget.value = "";
            void choose(to);
          }}
        >
          <option value="">Reset to…</option>
          <option value="opened">the text as you opened it</option>
          {parent && <option value="parent">{parent} in the library</option>}
          <option value="empty">an empty text</option>
        </select>
      </span>
    </div>
  );
}

function Counts({ session }: { session: DraftSession }) {
  const text = session.content.value;
  const characters = length(text);
  const problem = session.problems.value.content;
  return (
    <footer class="counts small">
      <span class="number">
        {number(characters)} characters{characters > CONTENT_MAX * 0.9 && ` of ${number(CONTENT_MAX)}`}
      </span>
      <span class="number">about {number(tokens(text))} tokens</span>
      {problem && <span class="wrong">{problem} Shorten it to have it saved.</span>}
      {characters < CONTENT_MIN && (
        <span class="quiet">Testing and committing take at least {CONTENT_MIN} characters.</span>
      )}
    </footer>
  );
}
