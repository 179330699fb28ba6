/** The browser as a draft's session needs it: its clock, its storage, its other tabs, its network. */
import { Journal } from "../keep/journal";
import { livingTabs, thisTab } from "../keep/tab";
import { getDraft, identity, saveDraft } from "../server";
import { DraftSession, type World } from "./session";

const channel = new BroadcastChannel("drafts");
const open = new Set<DraftSession>();

interface Saved {
  id: string;
  revision: number;
}

channel.addEventListener("message", ({ data }: MessageEvent<Saved>) => {
  for (const session of open) if (session.id === data.id) session.heard(data.revision);
});

addEventListener("online", () => {
  for (const session of open) session.wake();
});

document.addEventListener("visibilitychange", () => {
  for (const session of open) {
    if (document.visibilityState === "hidden") void session.saveNow();
    else {
      session.wake();
      void session.refresh();
    }
  }
});

/** The journal of this tab. */
export const journal: Promise<Journal> = thisTab.then((tab) => {
  const made = new Journal(tab, "workshop", held());
  addEventListener("pagehide", () => made.hold());
  void made.tidy(Date.now()).catch(() => {});
  return made;
});

/** None where the person switched it off: reading it throws then. */
function held(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

/** Sessions that were left while their last save is under way, by user and draft. */
const leaving = new Map<string, DraftSession>();
const place = (id: string): string => `${identity.user()} ${id}`;

/** Opens a draft for editing; `closeSession` ends it. */
export async function openSession(id: string): Promise<DraftSession> {
  const session = leaving.get(place(id)) ?? new DraftSession(id, await world());
  open.add(session);
  if (leaving.delete(place(id))) session.reopen();
  else void session.open();
  return session;
}

export function closeSession(session: DraftSession): void {
  const left = place(session.id);
  open.delete(session);
  leaving.set(left, session);
  void session.close().finally(() => {
    if (!open.has(session)) leaving.delete(left);
  });
}

/** A draft of which the server lacks something. */
export interface Unsaved {
  id: string;
  name: string;
  /** False when the browser's storage doesn't have it either: it is on screen only. */
  isKept: boolean;
}

const SAVED_WITHIN_MS = 10_000;

/** Saves what can be saved of the drafts that are open here, within ten seconds. */
export async function saveEverything(): Promise<void> {
  const late = new Promise((resolve) => setTimeout(resolve, SAVED_WITHIN_MS));
  const sessions = [...open, ...leaving.values()];
  await Promise.race([Promise.all(sessions.map((session) => session.saveNow())), late]);
  // What was saved is no longer kept as unsaved.
  await isEverythingKept();
}

/** The present person's drafts of which the server lacks something, in the texts of other tabs too. */
export async function unsavedDrafts(): Promise<Unsaved[]> {
  const unsaved = new Map<string, Unsaved>();
  for (const { id, name, save, isKept } of open) {
    if (!isKept.value && save.value.is !== "saved") unsaved.set(id, { id, name: name.value, isKept: false });
  }
  const kept = await (await journal).drafts(identity.user()).catch(() => []);
  for (const { id, name, unsavedAt } of kept) {
    if (unsavedAt !== null && !unsaved.has(id)) unsaved.set(id, { id, name, isKept: true });
  }
  return [...unsaved.values()];
}

/** Whether the browser's storage has everything that is on screen. */
export async function isEverythingKept(): Promise<boolean> {
  const sessions = [...open].filter((session) => session.opening.value.is === "open");
  return (await Promise.all(sessions.map((session) => session.keep()))).every(Boolean);
}

async function world(): Promise<World> {
  return {
    drafts: { get: getDraft, save: saveDraft },
    journal: await journal,
    livingTabs,
    identity: identity.user,
    now: Date.now,
    later(ms, act) {
      const timer = setTimeout(act, ms);
      return () => clearTimeout(timer);
    },
    announce: (draft, revision) => channel.postMessage({ id: draft, revision } satisfies Saved),
  };
}
