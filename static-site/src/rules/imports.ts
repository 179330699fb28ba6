/** Where a file of an import goes, and how it goes, in words. */
import { number } from "./when";

/** What one call takes, in bytes; more is uploaded first and read on the server. */
export const CALL_BYTES = 5_000_000;
/** The largest file, in bytes. */
export const FILE_BYTES = 200_000_000;

/** This machine, as its names are written in a parsed address. */
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/**
 * Where a page at `origin` sends a file that the server gave the address `url` for: the bucket's own. On one
 * machine that is the workshop itself, under one of the machine's names. The page may be open under another
 * (localhost, a forwarded port), and its policy lets it send to its own origin only.
 */
export function uploadAddress(url: string, origin: string): string {
  const { hostname, pathname, search } = new URL(url);
  return LOOPBACK.test(hostname) ? origin + pathname + search : url;
}

/** `34 of 120 MB`, `2.1 of 8.4 MB`. */
export function amount(done: number, all: number): string {
  if (all < 999_500) return `${number(Math.round(done / 1_000))} of ${number(Math.round(all / 1_000))} KB`;
  const digits = all < 9_950_000 ? 1 : 0;
  return `${(done / 1_000_000).toFixed(digits)} of ${(all / 1_000_000).toFixed(digits)} MB`;
}

interface Counts {
  added: number;
  updated: number;
  duplicates: number;
  rejected_total: number;
}

/** `51,200 new, 12 updated, 7 copies, 3 not taken`: what is none is left out, but for the new. */
export function soFar({ added, updated, duplicates, rejected_total }: Counts): string {
  return [
    `${number(added)} new`,
    updated > 0 && `${number(updated)} updated`,
    duplicates > 0 && (duplicates === 1 ? "1 copy" : `${number(duplicates)} copies`),
    rejected_total > 0 && `${number(rejected_total)} not taken`,
  ]
    .filter(Boolean)
    .join(", ");
}

/** What became of near-identical articles; empty when there were none. */
export function copies(duplicates: number): string {
  if (duplicates === 0) return "";
  const what = duplicates === 1 ? "One was a copy" : `${number(duplicates)} were copies`;
  return `${what} of articles that are here; their addresses are kept with those.`;
}
