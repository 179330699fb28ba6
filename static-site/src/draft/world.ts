/** The browser as a draft's session needs it: its clock, its storage, its other tabs, its network. */
import { Journal } from "../keep/journal";
import { livingTabs, thisTab } from "../keep/tab";
import { getDraft, identity, saveDraft } from "../server";
import { DraftSession } from "./session";

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

/** Opens a draft for editing; `closeSession` ends it. */
export async function openSession(id: string): Promise<DraftSession> {
  const session = new DraftSession(id, {
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
  });
  open.add(session);
  void session.open();
  return session;
}

export function closeSession(session: DraftSession): void {
  open.delete(session);
  session.close();
}
