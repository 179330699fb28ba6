/** What is different between two texts, by lines and by words. */
import { diffIndices } from "node-diff3";

/** A run of lines that differ. Line numbers count from 0. */
export interface Hunk {
  before: { start: number; lines: string[] };
  after: { start: number; lines: string[] };
}

export interface Span {
  text: string;
  changed: boolean;
}

interface Change {
  before: [start: number, length: number];
  after: [start: number, length: number];
}

/** Above this many words a side, marking words would take longer than it helps. */
const WORDS_MAX = 2_000;

/**
 * Changes between two lists. What both begin and end with is set aside first:
 * an edit in a long text then costs what was edited, not the text.
 */
function changes(before: string[], after: string[]): Change[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const middle = (list: string[]): string[] => list.slice(head, list.length - tail);
  return diffIndices(middle(before), middle(after)).map((found) => ({
    before: [found.buffer1[0] + head, found.buffer1[1]],
    after: [found.buffer2[0] + head, found.buffer2[1]],
  }));
}

/** The hunks that turn `before` into `after`. */
export function hunks(before: string, after: string): Hunk[] {
  const [old, now] = [before.split("\n"), after.split("\n")];
  const cut = (lines: string[], [start, length]: [number, number]) => ({
    start,
    lines: lines.slice(start, start + length),
  });
  return changes(old, now).map((change) => ({
    before: cut(old, change.before),
    after: cut(now, change.after),
  }));
}

/** `text`, of which `hunk` describes a change, with that change made. */
export function applied(text: string, hunk: Hunk): string {
  const lines = text.split("\n");
  lines.splice(hunk.before.start, hunk.before.lines.length, ...hunk.after.lines);
  return lines.join("\n");
}

/** Both sides of a hunk with the words marked that differ; null when that wouldn't help. */
export function words(hunk: Hunk): { before: Span[]; after: Span[] } | null {
  const split = (lines: string[]): string[] =>
    lines.join("\n").match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? [];
  const [old, now] = [split(hunk.before.lines), split(hunk.after.lines)];
  if (old.length === 0 || now.length === 0 || old.length > WORDS_MAX || now.length > WORDS_MAX) return null;
  const found = changes(old, now);
  const same = old.length - found.reduce((sum, change) => sum + change.before[1], 0);
  if (same < old.length / 3) return null;
  const spans = (list: string[], side: "before" | "after"): Span[] => {
    const result: Span[] = [];
    let at = 0;
    for (const change of found) {
      const [start, length] = change[side];
      result.push({ text: list.slice(at, start).join(""), changed: false });
      result.push({ text: list.slice(start, start + length).join(""), changed: true });
      at = start + length;
    }
    result.push({ text: list.slice(at).join(""), changed: false });
    return result.filter((span) => span.text !== "");
  };
  return { before: spans(old, "before"), after: spans(now, "after") };
}

/** How many lines come and go. */
export function size(found: Hunk[]): { added: number; removed: number } {
  return {
    added: found.reduce((sum, hunk) => sum + hunk.after.lines.length, 0),
    removed: found.reduce((sum, hunk) => sum + hunk.before.lines.length, 0),
  };
}
