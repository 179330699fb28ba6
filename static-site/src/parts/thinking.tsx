/** What a model thought before it answered, folded: it is no part of the answer. */
import { inShort } from "../rules/thinking";

export function Thinking({ text, isGoing = false }: { text: string; isGoing?: boolean }) {
  if (text.trim() === "") return null;
  return (
    <details class="thinking small quiet">
      <summary>{inShort(text, isGoing)}</summary>
      <p tabIndex={0}>{text.trim()}</p>
    </details>
  );
}
