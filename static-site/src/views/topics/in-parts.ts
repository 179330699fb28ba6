/** The import of a file that is not large, or can't be uploaded: part after part, each in a call of its own. */
import { notesOf } from "../../rules/imports";
import { type Cut, Cutter, lineOfFile, type Part } from "../../rules/split";
import { number } from "../../rules/when";
import { type Imported, importArticles } from "../../server";
import { importing } from "./importing";
import type { Seen } from "./looking";

export type Rejected = Imported["rejected"][number];

/** Rejected lines that are kept to be shown; the rest are counted. */
export const REJECTED_SHOWN = 500;

export interface InParts {
  way: "parts";
  topic: string;
  file: File;
  seen: Seen;
  state: "reading" | "sending" | "done" | "stopped" | "failed";
  /** Set when it failed. */
  error?: unknown;
  /** Bytes of the file that are done with. */
  sent: number;
  /** The part that is being sent, from 0, of so many. */
  at: number;
  parts: readonly Part[];
  added: number;
  updated: number;
  duplicates: number;
  rejected: Rejected[];
  rejectedTotal: number;
  /** What is to be said of the file. */
  notes: readonly string[];
}

const TYPES = { jsonl: "application/x-ndjson", csv: "text/csv" } as const;

let cut: Cut | undefined;
let stopping = new AbortController();

const current = (): InParts | undefined => (importing.value?.way === "parts" ? importing.value : undefined);

const change = (next: Partial<InParts>): void => {
  const now = current();
  if (now) importing.value = { ...now, ...next };
};

export async function start(topic: string, file: File, seen: Seen): Promise<void> {
  importing.value = {
    way: "parts",
    topic,
    file,
    seen,
    state: "reading",
    sent: 0,
    at: 0,
    parts: [],
    added: 0,
    updated: 0,
    duplicates: 0,
    rejected: [],
    rejectedTotal: 0,
    notes: [],
  };
  cut = undefined;
  await goOn();
}

/** Begins, or goes on with the part that failed or was stopped. */
export async function goOn(): Promise<void> {
  stopping = new AbortController();
  const { signal } = stopping;
  try {
    if (!cut) await read(signal);
    change({ state: "sending", error: undefined });
    for (let now = current(); now && cut && now.at < cut.parts.length; now = current()) {
      await sendPart(cut, now, signal);
    }
    change({ state: "done", sent: current()?.file.size ?? 0 });
  } catch (error) {
    if (signal.aborted) change({ state: "stopped" });
    else change({ state: "failed", error });
  }
}

export const stop = (): void => stopping.abort();

/** Done with: makes place for the next. */
export const dismiss = (): void => {
  importing.value = undefined;
};

/** The file itself could not be read: it was moved, changed or is out of reach. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
}

async function read(signal: AbortSignal): Promise<void> {
  const started = current();
  if (!started) return;
  change({ state: "reading", error: undefined });
  const { file, seen } = started;
  if (!seen.cut) {
    // Sent whole. Its lines are the server's to count.
    const part = { start: 0, end: file.size, line: 1, lastLine: 1 };
    cut = { header: { end: 0, lines: 0 }, parts: file.size > 0 ? [part] : [], tooLong: [] };
    change({ parts: cut.parts });
    return;
  }
  const cutter = new Cutter(seen.cut);
  try {
    for await (const bytes of file.stream()) {
      signal.throwIfAborted();
      cutter.push(bytes);
    }
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new Unreadable("The file can't be read.", { cause });
  }
  cut = cutter.finish();
  const wrong = cut.tooLong.map(({ line, lastLine }) => ({
    line,
    detail:
      seen.cut === "jsonl"
        ? "The line is longer than 200 KB. Shorten the article's text."
        : `The record that begins here is longer than 1 MB and ends on line ${lastLine}. A quotation mark is probably never closed; close it and import these lines again.`,
  }));
  change({ parts: cut.parts, rejected: wrong.slice(0, REJECTED_SHOWN), rejectedTotal: wrong.length });
}

async function sendPart(whole: Cut, now: InParts, signal: AbortSignal): Promise<void> {
  const part = whole.parts[now.at];
  if (!part) return;
  const { file, seen } = now;
  // Slices of a file keep its bytes where they are: nothing of it is held in memory.
  const data = new Blob([file.slice(0, whole.header.end), file.slice(part.start, part.end)]);
  const type = seen.cut && TYPES[seen.cut];
  const done = await importArticles(now.topic, { type, data, ...seen.said }, signal);
  const lines = whole.parts.length > 1 ? `Lines ${number(part.line)} to ${number(part.lastLine)}` : undefined;
  const rejected = done.rejected.map((one) => ({
    ...one,
    line: seen.cut ? lineOfFile(whole, part, one.line) : one.line,
  }));
  change({
    at: now.at + 1,
    sent: part.end,
    added: now.added + done.added,
    updated: now.updated + done.updated,
    duplicates: now.duplicates + done.duplicates,
    rejected: [...now.rejected, ...rejected].sort((a, b) => a.line - b.line).slice(0, REJECTED_SHOWN),
    rejectedTotal: now.rejectedTotal + done.rejected_total,
    notes: notesOf(now.notes, done.notes, lines),
  });
}
