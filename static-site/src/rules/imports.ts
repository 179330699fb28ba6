/** Where a file of an import goes, what its columns are, and how it goes, in words. */
import type { Format } from "./split";
import { number } from "./when";

/** What one call takes, in bytes; more is uploaded first and read on the server. */
export const CALL_BYTES = 5_000_000;
/** What one call takes of a file that isn't UTF-8, in bytes: on its way to the server it grows by a third. */
export const BINARY_CALL_BYTES = 4_000_000;
/** The largest file, in bytes. */
export const FILE_BYTES = 200_000_000;
/** What a file is, its first bytes show: so many. */
export const HEAD_BYTES = 262_144;

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

export type Field =
  | "title"
  | "url"
  | "source"
  | "published_at"
  | "summary"
  | "text"
  | "category"
  | "sentiment"
  | "tags"
  | "language";

/** What the columns of a file can be, as they are named to a person. */
export const FIELDS: readonly (readonly [Field, string])[] = [
  ["title", "Title"],
  ["url", "Address"],
  ["summary", "Summary"],
  ["text", "Text"],
  ["source", "Source"],
  ["published_at", "Date"],
  ["category", "Category"],
  ["sentiment", "Sentiment"],
  ["tags", "Tags"],
  ["language", "Language"],
];

export const fieldName = (field: Field): string => FIELDS.find(([name]) => name === field)?.[1] ?? field;

interface Column {
  name: string;
  taken_as?: Field | null;
}

/** What a person said of columns, by their names: a field, or `-` for none. */
export type Said = Readonly<Record<string, Field | "-">>;

/** A column is taken for `field` from now on; one that was taken for it before no longer is. */
export function say(said: Said, columns: readonly Column[], name: string, field: Field | "-"): Said {
  const others = columns.filter((one) => one.name !== name && field !== "-" && one.taken_as === field);
  return { ...said, ...Object.fromEntries(others.map((one) => [one.name, "-"])), [name]: field };
}

/** As the server takes it: `Headline:title,Foo:-`. */
export const columnsOf = (said: Said): string =>
  Object.entries(said)
    .map(([name, field]) => `${name}:${field}`)
    .join(",");

interface Seen {
  format: "jsonl" | "json" | "csv" | "xlsx";
  encoding: string;
  separator?: string | null;
  above: number;
}

/** How the file can be cut into parts; it is sent whole when it can't. */
export function cutAs({ format, encoding, separator, above }: Seen): Format | undefined {
  if (encoding !== "UTF-8") return undefined;
  if (format === "jsonl") return "jsonl";
  return format === "csv" && separator === "," && above === 0 ? "csv" : undefined;
}

const SEPARATORS: Record<string, string> = { ",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars" };

/** `CSV with semicolons, in windows-1252`. */
export function kindOf({ format, encoding, separator }: Seen): string {
  if (format === "xlsx") return "a workbook";
  const kind = { jsonl: "JSON Lines", json: "JSON", csv: "a table" }[format];
  const parted = separator ? ` with ${SEPARATORS[separator] ?? `${separator} between its columns`}` : "";
  return `${kind}${parted}${encoding === "UTF-8" ? "" : `, in ${encoding}`}`;
}

/** What is said of the parts of a file, together: a count holds for the lines of its part only. */
export function notesOf(
  before: readonly string[],
  notes: readonly string[],
  lines: string | undefined,
): string[] {
  const counts = (note: string): boolean => /^(?:\d|One )/.test(note);
  const now = notes.map((note) => (lines && counts(note) ? `${lines}: ${note}` : note));
  return [...new Set([...before, ...now])];
}
