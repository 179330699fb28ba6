/** What is different between two texts, by lines and by words. */
import { diffArrays } from "diff";

/** A run of lines that differ. Line numbers count from 0. */
export interface Hunk {
  before: { start: number; lines: string[] };
  after: { start: number; lines: string[] };
}

export interface Span {
  text: string;
  changed: boolean;
}

/** A run of one list that another run takes the place of. */
export interface Change {
  before: [start: number, length: number];
  after: [start: number, length: number];
}

/** Above this many words a side, marking words would take longer than it helps. */
const WORDS_MAX = 2_000;

/** Above this many changes the shortest way is no longer looked for: its cost grows with their square. */
const STEPS_MAX = 1_000;

/**
 * The changes that turn `before` into `after`, in order: the fewest there are,
 * or for very different lists fewer than all.
 */
export function changes(before: string[], after: string[]): Change[] {
  const numbers = new Map<string, number>();
  const number = (item: string): number => {
    const known = numbers.get(item) ?? numbers.size;
    numbers.set(item, known);
    return known;
  };
  const found: Change[] = [];
  compare(before.map(number), 0, after.map(number), 0, found);
  return found;
}

/** Adds the changes between two lists that begin at `x` and `y`. Two changes never touch. */
function compare(before: number[], x: number, after: number[], y: number, found: Change[]): void {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const old = before.slice(head, before.length - tail);
  const now = after.slice(head, after.length - tail);
  if (old.length === 0 && now.length === 0) return;
  const isOneSided = old.length === 0 || now.length === 0;
  const kept = isOneSided ? [] : shortest(old, now);
  const same = kept ?? landmarks(old, now);
  let [a, b] = [0, 0];
  for (const [i, j] of [...same, [old.length, now.length] as const]) {
    // Between landmarks, smaller lists are compared anew.
    if (kept === null && same.length > 0) {
      compare(old.slice(a, i), x + head + a, now.slice(b, j), y + head + b, found);
    } else if (i > a || j > b) found.push({ before: [x + head + a, i - a], after: [y + head + b, j - b] });
    [a, b] = [i + 1, j + 1];
  }
}

type Pair = readonly [before: number, after: number];

/** The items that stay on the shortest way from one list to the other, or null when that is too long. */
function shortest(before: number[], after: number[]): Pair[] | null {
  const parts = diffArrays(before, after, { maxEditLength: STEPS_MAX });
  if (!parts) return null;
  const same: Pair[] = [];
  let [i, j] = [0, 0];
  for (const { added, removed, count } of parts) {
    if (!added && !removed) for (let at = 0; at < count; at += 1) same.push([i + at, j + at]);
    if (!added) i += count;
    if (!removed) j += count;
  }
  return same;
}

interface Link {
  pair: Pair;
  previous: Link | undefined;
}

/** The longest row of items that are in both lists exactly once. (Patience diff.) */
function landmarks(before: number[], after: number[]): Pair[] {
  const places = singles(after);
  // The last link of the best row of each length.
  const best: Link[] = [];
  for (const [item, i] of singles(before)) {
    const j = places.get(item);
    if (j === undefined) continue;
    let [low, high] = [0, best.length];
    while (low < high) {
      const half = (low + high) >> 1;
      if ((best[half]?.pair[1] ?? 0) < j) low = half + 1;
      else high = half;
    }
    best[low] = { pair: [i, j], previous: best[low - 1] };
  }
  const row: Pair[] = [];
  for (let link = best.at(-1); link; link = link.previous) row.push(link.pair);
  return row.reverse();
}

/** Where each item stands that is in the list once, in the list's order. */
function singles(list: number[]): Map<number, number> {
  const places = new Map<number, number>();
  const repeated = new Set<number>();
  for (const [at, item] of list.entries()) {
    if (places.has(item)) repeated.add(item);
    else places.set(item, at);
  }
  for (const item of repeated) places.delete(item);
  return places;
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
  const end = hunk.before.start + hunk.before.lines.length;
  return [...lines.slice(0, hunk.before.start), ...hunk.after.lines, ...lines.slice(end)].join("\n");
}

/** Both sides of a hunk with the words marked that differ; null when that wouldn't help. */
export function words(hunk: Hunk): { before: Span[]; after: Span[] } | null {
  const split = (lines: string[]): string[] =>
    lines.join("\n").match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? [];
  const [old, now] = [split(hunk.before.lines), split(hunk.after.lines)];
  if (old.length === 0 || now.length === 0 || old.length > WORDS_MAX || now.length > WORDS_MAX) return null;
  const found = changes(old, now);
  // Spaces stay in any two sentences; only words tell whether they are alike.
  const amount = (list: string[]): number => list.filter((word) => word.trim() !== "").length;
  const gone = found.reduce(
    (sum, { before: [start, many] }) => sum + amount(old.slice(start, start + many)),
    0,
  );
  if (amount(old) - gone < amount(old) / 3) return null;
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
