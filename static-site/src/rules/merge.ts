/**
 * Three-way merging: what two people made of the same text. Changes in
 * different places are both kept; where both changed the same lines, a person
 * chooses.
 */
import { diff3Merge } from "node-diff3";

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
  const merged = diff3Merge(mine.split("\n"), base.split("\n"), theirs.split("\n"), {
    excludeFalseConflicts: true,
  });
  return merged.flatMap((region): Part[] => {
    if (region.ok) return [{ same: region.ok }];
    if (region.conflict)
      return [{ mine: region.conflict.a, base: region.conflict.o, theirs: region.conflict.b }];
    return [];
  });
}

/** The text of merged parts, or null while a conflict is undecided. `choices` are in the conflicts' order. */
export function text(parts: Part[], choices: (Choice | undefined)[] = []): string | null {
  let conflict = 0;
  const lines: string[] = [];
  for (const part of parts) {
    if (!isConflict(part)) {
      lines.push(...part.same);
      continue;
    }
    const choice = choices[conflict];
    conflict += 1;
    if (choice === undefined) return null;
    if (choice !== "theirs") lines.push(...part.mine);
    if (choice !== "mine") lines.push(...part.theirs);
  }
  return lines.join("\n");
}

/** The same for a value that is taken whole: mine where I changed it, else theirs. */
export function mergeValue<T>(base: T, mine: T, theirs: T): T {
  return mine === base ? theirs : mine;
}
