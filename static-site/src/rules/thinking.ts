/** What a model thought before it answered, in short. */
import { length } from "./text";
import { count } from "./when";

/** Characters that are kept of it. */
const KEPT = 16_000;

/** `Thought, 312 words`; of more than is kept, at least so many. */
export function inShort(thinking: string, isGoing = false): string {
  const words = count(thinking.split(/\s+/).filter(Boolean).length, "word");
  if (isGoing) return `Thinking, ${words}`;
  return length(thinking) < KEPT ? `Thought, ${words}` : `Thought, more than the ${words} that are kept`;
}
