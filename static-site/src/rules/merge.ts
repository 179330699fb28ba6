/**
 * Three-way merging: what two people made of the same text. Changes in
 * different places are both kept; where both changed the same lines, a person
 * chooses.
 */
import { type Change, changes } from "./diff";

/** A stretch of a merged text. */
export type Part = { same: string[] } | { mine: string[]; base: string[]; theirs: string[] };

export type Conflict = Extract<Part, { mine: string[] }>;

/** What to take where both changed the same lines. */
export type Choice = "mine" | "theirs" | "both";

export const isConflict = (part: Part): part is Conflict => "mine" in part;

/** The parts of `mine` and `theirs` merged, both of which were made from `base`. */
export function merge(base: string, mine: string, theirs: string): Part[] {
  // Settled without the algorithm, which would walk the texts for nothing.
  if (mine === theirs || theirs === base) return [{ same: mine.split("\n") }];
  if (mine === base) return [{ same: theirs.split("\n") }];
  return mergeLines(base.split("\n"), mine.split("\n"), theirs.split("\n"));
}

/** One side's changes, read from the first to the last. */
interface Side {
  lines: string[];
  changes: Change[];
  /** How many of the changes were taken. */
  taken: number;
  /** How far this side's line numbers are ahead of the base's after those. */
  ahead: number;
}

/**
 * Walks the base. Changes of both sides that overlap or touch are one region,
 * and a conflict unless both made the same of it. (Khanna, Kunal and Pierce,
 * A Formal Investigation of Diff3, 2007.)
 */
function mergeLines(base: string[], mine: string[], theirs: string[]): Part[] {
  const left: Side = { lines: mine, changes: changes(base, mine), taken: 0, ahead: 0 };
  const right: Side = { lines: theirs, changes: changes(base, theirs), taken: 0, ahead: 0 };
  const parts: Part[] = [];
  let same: string[] = [];
  let at = 0;
  for (;;) {
    const start = Math.min(nextStart(left), nextStart(right));
    same = same.concat(base.slice(at, start));
    if (start === Number.POSITIVE_INFINITY) break;
    const [aheadLeft, aheadRight] = [left.ahead, right.ahead];
    let end = start;
    let takenLeft = 0;
    let takenRight = 0;
    for (;;) {
      const side = nextStart(left) <= end ? left : nextStart(right) <= end ? right : null;
      if (!side) break;
      end = Math.max(end, take(side));
      if (side === left) takenLeft += 1;
      else takenRight += 1;
    }
    const here = left.lines.slice(start + aheadLeft, end + left.ahead);
    const there = right.lines.slice(start + aheadRight, end + right.ahead);
    if (takenRight === 0) same = same.concat(here);
    else if (takenLeft === 0 || isSame(here, there)) same = same.concat(there);
    else {
      if (same.length > 0) parts.push({ same });
      same = [];
      parts.push({ mine: here, base: base.slice(start, end), theirs: there });
    }
    at = end;
  }
  if (same.length > 0) parts.push({ same });
  return parts;
}

const nextStart = (side: Side): number => side.changes[side.taken]?.before[0] ?? Number.POSITIVE_INFINITY;

/** Takes a side's next change; returns where it ends in the base. */
function take(side: Side): number {
  const change = side.changes[side.taken];
  if (!change) return 0;
  side.taken += 1;
  side.ahead += change.after[1] - change.before[1];
  return change.before[0] + change.before[1];
}

const isSame = (a: string[], b: string[]): boolean =>
  a.length === b.length && a.every((line, at) => line === b[at]);

/** The text of merged parts, or null while a conflict is undecided. `choices` are in the conflicts' order. */
export function text(parts: Part[], choices: (Choice | undefined)[] = []): string | null {
  let conflict = 0;
  const lines: string[][] = [];
  for (const part of parts) {
    if (!isConflict(part)) {
      lines.push(part.same);
      continue;
    }
    const choice = choices[conflict];
    conflict += 1;
    if (choice === undefined) return null;
    if (choice !== "theirs") lines.push(part.mine);
    if (choice !== "mine") lines.push(part.theirs);
  }
  return lines.flat().join("\n");
}

/** The same for a value that is taken whole: mine where I changed it, else theirs. */
export function mergeValue<T>(base: T, mine: T, theirs: T): T {
  return mine === base ? theirs : mine;
}
