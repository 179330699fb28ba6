/** How an import went, in words. */
import { number } from "./when";

/** What became of near-identical articles; empty when there were none. */
export function copies(duplicates: number): string {
  if (duplicates === 0) return "";
  const what = duplicates === 1 ? "One was a copy" : `${number(duplicates)} were copies`;
  return `${what} of articles that are here; their addresses are kept with those.`;
}
