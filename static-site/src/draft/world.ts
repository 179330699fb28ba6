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
  const made = new Journal(tab);
  void made.tidy(Date.now()).catch(() => {});
  return made;
});

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
