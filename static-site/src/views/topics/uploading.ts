/**
 * The import of a large file: it is uploaded, and then the server reads it and
 * says how far it is. Which one that is, the browser keeps, so that its
 * progress is there again after a reload, and its result until it is put away.
 */
import { keptText } from "../../keep/kept";
import { whenVisible } from "../../parts/visible";
import {
  getImport,
  type LargeImport,
  Refused,
  runImport,
  startImport,
  Unreachable,
  UploadRefused,
  upload,
} from "../../server";
import { importing } from "./importing";
import * as inParts from "./in-parts";
import type { Seen } from "./looking";

export interface Uploading {
  way: "upload";
  topic: string;
  /** The file's name and size in bytes: after a reload the file itself is out of reach. */
  name: string;
  bytes: number;
  state: "starting" | "uploading" | "queueing" | "reading" | "done" | "stopped" | "failed";
  /** Set when it failed. */
  error?: unknown;
  /** Bytes that have been uploaded. */
  sent: number;
  /** The storage took it whole. */
  isUploaded: boolean;
  /** What the server last said of it. */
  report?: LargeImport;
  /** The server can't be asked just now. */
  isAway: boolean;
  /** Whether it can be tried again without choosing the file anew. */
  hasFile: boolean;
  /** Whether it can go in in parts, where it can't be uploaded. */
  canBeCut: boolean;
}

/** The upload ended with the page that it came from. */
export class CutOff extends Error {
  override readonly name = "CutOff";
}

/** The file was moved or changed since it was chosen. */
export class FileGone extends Error {
  override readonly name = "FileGone";
}

/** Between two looks at how far the server is. */
const LOOK_MS = 1_000;
const LOOK_SLOWEST_MS = 5_000;
const LOOK_SLOWER = 1.5;
/** An upload is begun anew rather than sent to an address that expires within this. */
const EXPIRES_MS = 60_000;

let file: { data: File; seen: Seen } | undefined;
/** Where the file goes, as long as the address can be used. */
let target: Awaited<ReturnType<typeof startImport>> | undefined;
let stopping = new AbortController();

interface Kept {
  id: string;
  topic: string;
  name: string;
  bytes: number;
}

const kept = () => keptText("large-import");
const lock = (id: string): string => `import:${id}`;

const current = (): Uploading | undefined =>
  importing.value?.way === "upload" ? importing.value : undefined;

const change = (next: Partial<Uploading>): void => {
  const now = current();
  if (now) importing.value = { ...now, ...next };
};

export async function start(topic: string, data: File, seen: Seen): Promise<void> {
  file = { data, seen };
  target = undefined;
  importing.value = {
    way: "upload",
    topic,
    name: data.name,
    bytes: data.size,
    state: "starting",
    sent: 0,
    isUploaded: false,
    isAway: false,
    hasFile: true,
    canBeCut: seen.cut !== undefined,
  };
  await goOn();
}

/** Begins, or goes on where it failed or was stopped. */
export async function goOn(): Promise<void> {
  const now = current();
  if (!now || !file) return;
  stopping = new AbortController();
  const { signal } = stopping;
  addEventListener("beforeunload", ask);
  try {
    change({ state: "starting", error: undefined });
    const { id } = await begun(now, file);
    // Other tabs of this browser see by the lock that the upload is under way.
    await locked(id, () => handOver(now.topic, id, signal));
    removeEventListener("beforeunload", ask);
    await follow(now.topic, id);
  } catch (error) {
    if (signal.aborted) change({ state: "stopped" });
    else change({ state: "failed", error });
  } finally {
    removeEventListener("beforeunload", ask);
  }
}

export const stop = (): void => stopping.abort();

/** Leaving the page would end the upload: the browser asks first. */
const ask = (event: BeforeUnloadEvent): void => event.preventDefault();

/** Imports the file in parts, where none can be uploaded. */
export async function goInParts(): Promise<void> {
  const now = current();
  if (!now || !file) return;
  const { data, seen } = file;
  forget();
  await inParts.start(now.topic, data, seen);
}

/** The import that the file is uploaded for, made when there is none whose address still works. */
async function begun(
  { topic, isUploaded }: Uploading,
  from: { data: File; seen: Seen },
): Promise<{ id: string }> {
  if (target && !isUploaded && Date.parse(target.upload.expires_at) < Date.now() + EXPIRES_MS)
    target = undefined;
  if (!target) {
    target = await startImport(topic, {
      format: from.seen.format,
      bytes: from.data.size,
      columns: from.seen.said.columns || null,
      dates: from.seen.said.dates ?? null,
    });
    const { id } = target.import;
    const note: Kept = { id, topic, name: from.data.name, bytes: from.data.size };
    kept().value = JSON.stringify(note);
  }
  return target.import;
}

/** Uploads the file, unless that is done, and has the server queue it. */
async function handOver(topic: string, id: string, signal: AbortSignal): Promise<void> {
  if (target && file && !current()?.isUploaded) {
    change({ state: "uploading", sent: 0 });
    try {
      await upload(file.data, target.upload, (sent) => change({ sent }), signal);
    } catch (error) {
      if (error instanceof UploadRefused) target = undefined;
      throw (await isReadable(file.data)) || signal.aborted ? error : new FileGone();
    }
    change({ isUploaded: true, sent: file.data.size });
  }
  signal.throwIfAborted();
  change({ state: "queueing" });
  try {
    change({ report: await runImport(topic, id) });
  } catch (error) {
    // The server misses the file, or the import: the next try begins anew.
    if (error instanceof Refused && (error.status === 409 || error.status === 404)) {
      target = undefined;
      change({ isUploaded: false });
    }
    throw error;
  }
}

/** A browser tells of a file that is gone only as of a network that is. */
const isReadable = (data: Blob): Promise<boolean> =>
  data
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );

/** Looks how far the server is, until it is done. */
async function follow(topic: string, id: string): Promise<void> {
  change({ state: "reading" });
  for (
    let wait = LOOK_MS;
    current()?.state === "reading";
    wait = Math.min(LOOK_SLOWEST_MS, wait * LOOK_SLOWER)
  ) {
    await whenVisible();
    try {
      let report = await getImport(topic, id);
      // The page it was uploaded from was left. If the file is there it is queued now; else it is lost.
      if (report.status === "uploading") report = await runImport(topic, id).catch(cutOff);
      change({ report, isAway: false });
      if (report.status === "finished" || report.status === "failed") {
        file = undefined;
        target = undefined;
        change({ state: report.status === "finished" ? "done" : "failed", hasFile: false });
        return;
      }
    } catch (error) {
      if (!(error instanceof Unreachable) && !(error instanceof Refused && error.passes)) throw error;
      change({ isAway: true });
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** Takes an import up that was begun before the page was loaded, and not put away. */
export async function takeUp(): Promise<void> {
  if (importing.value) return;
  const note = noted();
  if (!note || (await isHeld(note.id)) || importing.value) return;
  const { id, topic, name, bytes } = note;
  importing.value = {
    way: "upload",
    topic,
    name,
    bytes,
    state: "reading",
    sent: bytes,
    isUploaded: false,
    isAway: false,
    hasFile: false,
    canBeCut: false,
  };
  try {
    await follow(topic, id);
  } catch (error) {
    if (error instanceof Refused && error.status === 404) {
      // It has expired, and with it all there was to say of it.
      forget();
    } else change({ state: "failed", error });
  }
}

function noted(): Kept | undefined {
  try {
    const text = kept().value;
    return text === "" ? undefined : (JSON.parse(text) as Kept);
  } catch {
    return undefined;
  }
}

/** Nothing of it is kept here any more. */
export function forget(): void {
  file = undefined;
  target = undefined;
  kept().clear();
  importing.value = undefined;
}

function cutOff(error: unknown): never {
  throw error instanceof Refused && error.status === 409 ? new CutOff() : error;
}

async function locked(id: string, act: () => Promise<void>): Promise<void> {
  if (navigator.locks) await navigator.locks.request(lock(id), act);
  else await act();
}

async function isHeld(id: string): Promise<boolean> {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return held.some(({ name }) => name === lock(id));
}
