/**
 * Proposed prompts in an assistant's answer: its fenced code blocks.
 *
 * Fences are CommonMark's (section 4.5), with one thing more, because small
 * models write it: a fence with a language inside a block of the same fence
 * opens a block within it, so the next bare fence closes that one and not the
 * proposal. CommonMark would end the proposal half-way.
 */

export interface Block {
  /** The text between the fences, as written. */
  text: string;
  /** The word after the opening fence; empty when there is none. */
  language: string;
  /** False when the answer ended before the closing fence. */
  closed: boolean;
}

interface Fence {
  mark: string;
  length: number;
  indent: number;
  info: string;
}

const FENCE = /^( *)(`{3,}(?=[^`]*$)|~{3,})[ \t]*(.*)$/;
/** What a list item begins with; its text stands as far in as this is long. */
const ITEM = /^ *(?:[-*+]|\d{1,9}[.)]) {1,4}(?=\S)/;

/** The fence that `line` is; one may stand up to three spaces further in than the text around it. */
function fence(line: string, around: number): Fence | null {
  const [, indent = "", marks = "", info = ""] = FENCE.exec(line) ?? [];
  if (marks === "" || indent.length > around + 3) return null;
  return { mark: marks.charAt(0), length: marks.length, indent: indent.length, info: info.trim() };
}

/** Every fenced block of `answer`, in order, the outermost of nested ones. */
export function blocks(answer: string): Block[] {
  const found: Block[] = [];
  let open: Fence[] = [];
  let lines: string[] = [];
  const finish = (closed: boolean): void => {
    const language = /^\S+/.exec(open[0]?.info ?? "")?.[0] ?? "";
    found.push({ text: lines.join("\n"), language, closed });
    open = [];
    lines = [];
  };
  // How far in the text of the list item is that one is in.
  let around = 0;
  for (const line of answer.split(/\r?\n/)) {
    const [outer] = open;
    const inner = open.at(-1);
    if (!outer || !inner) {
      const item = ITEM.exec(line)?.[0].length;
      if (item !== undefined) around = item;
      else if (line.trim() !== "" && line.search(/\S/) < around) around = 0;
      const opening = fence(item === undefined ? line : " ".repeat(item) + line.slice(item), around);
      if (opening) open = [opening];
      continue;
    }
    const here = fence(line, around);
    const closesInner = here && here.info === "" && here.mark === inner.mark && here.length >= inner.length;
    if (closesInner && open.length === 1) {
      finish(true);
      continue;
    }
    if (closesInner) open.pop();
    else if (here && here.info !== "" && here.mark === outer.mark && here.length >= outer.length)
      open.push(here);
    lines.push(line.slice(Math.min(outer.indent, line.length - line.trimStart().length)));
  }
  if (open.length > 0) finish(false);
  return found.filter((block) => block.text.trim() !== "");
}

/**
 * The prompts an answer proposes, the likeliest first: a whole prompt is longer
 * than the examples beside it. A block that never closes counts only when the
 * answer has ended.
 */
export function proposals(answer: string, ended = true): Block[] {
  return blocks(answer)
    .filter((block) => block.closed || ended)
    .sort((a, b) => b.text.length - a.text.length);
}
