/**
 * A look at a file before it is imported: the server says how it would read it, from its beginning, and the person who
 * imports it says what it can't know.
 */
import { signal } from "@preact/signals";
import {
  BINARY_CALL_BYTES,
  columnsOf,
  cutAs,
  type Field,
  HEAD_BYTES,
  type Said,
  say,
} from "../../rules/imports";
import type { Format } from "../../rules/split";
import { type DateOrder, type Preview, previewArticles, type SaidOfFile } from "../../server";

export interface Looking {
  file: File;
  state: "looking" | "seen" | "unseen" | "failed";
  /** What the server said last. */
  preview?: Preview;
  /** Set when it failed. */
  error?: unknown;
  said: Said;
  dates?: DateOrder | undefined;
}

/** What an import needs to know of a file. */
export interface Seen {
  format: Preview["format"];
  /** How it can be cut into parts; it is sent whole when it can't. */
  cut: Format | undefined;
  said: SaidOfFile;
}

export const looking = signal<Looking | undefined>(undefined);

let stopping = new AbortController();
let last: Promise<void> = Promise.resolve();

export function lookAt(file: File): void {
  looking.value = { file, state: "looking", said: {} };
  look();
}

export function lookAway(): void {
  stopping.abort();
  looking.value = undefined;
}

/** Says what a column is, or that it is nothing. */
export function sayColumn(name: string, field: Field | "-"): void {
  const now = looking.value;
  if (!now?.preview) return;
  looking.value = { ...now, state: "looking", said: say(now.said, now.preview.columns, name, field) };
  look();
}

export function sayDates(dates: DateOrder): void {
  const now = looking.value;
  if (now) looking.value = { ...now, dates };
}

/** Waits for the look that is under way; looks again when it failed. */
export async function seen(): Promise<Looking | undefined> {
  if (looking.value?.state === "failed") {
    looking.value = { ...looking.value, state: "looking", error: undefined };
    look();
  }
  for (let waited: Promise<void> | undefined; waited !== last; ) {
    waited = last;
    await waited;
  }
  return looking.value;
}

/** What is known of the file now. */
export function known({ preview, said, dates }: Looking): Seen {
  const cut = preview && cutAs(preview);
  return {
    format: preview?.format ?? "xlsx",
    cut,
    // A part alone may not show the order of its dates.
    said: { columns: columnsOf(said) || undefined, dates: dates ?? (cut && preview?.dates) ?? undefined },
  };
}

function look(): void {
  stopping.abort();
  stopping = new AbortController();
  last = ask(stopping.signal);
}

async function ask(signal: AbortSignal): Promise<void> {
  const asked = looking.value;
  if (!asked) return;
  const { file, said } = asked;
  const change = (next: Partial<Looking>): void => {
    if (looking.value && !signal.aborted) looking.value = { ...looking.value, ...next };
  };
  try {
    const isWorkbook = (await file.slice(0, 4).text()) === "PK\u0003\u0004";
    // A workbook's directory is at its end: too large to be sent whole, it can't be looked into.
    if (isWorkbook && file.size > BINARY_CALL_BYTES) return change({ state: "unseen" });
    const head = isWorkbook ? file : file.slice(0, HEAD_BYTES);
    // Nothing goes into a topic: any name will do.
    const preview = await previewArticles("Preview", head, { columns: columnsOf(said) || undefined }, signal);
    change({ state: "seen", preview });
  } catch (error) {
    change({ state: "failed", error });
  }
}
