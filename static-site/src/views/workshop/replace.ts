/** Replacing the whole text of a draft, with a way back. */
import type { DraftSession } from "../../draft/session";
import { say } from "../../parts/toasts";

/** Makes `text` the draft's and says `what` happened. Going back never takes away what was typed since. */
export function replaceText(session: DraftSession, text: string, what: string): void {
  const before = session.content.peek();
  session.edit({ content: text });
  const made = session.content.peek();
  if (made === before) return;
  say(what, {
    label: "Undo",
    run: () => {
      if (session.content.peek() === made) session.edit({ content: before });
      else say("The text was changed since. Go back step by step with Ctrl+Z in the editor.");
    },
  });
}
