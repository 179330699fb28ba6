/**
 * Which tab this is, and which others are alive. A tab's id survives a reload;
 * a lock, which the browser lets go when the tab is closed or crashes, tells
 * whether its owner still lives. (Web Locks API.)
 */

const KEY = "tab";
/** A tab that is being reloaded lets go of its lock within this. */
const RELOAD_MS = 1_000;

const lock = (tab: string): string => `tab:${tab}`;

/** Takes the lock and keeps it for as long as the page lives; false when another tab has it. */
function take(tab: string): Promise<boolean> {
  return new Promise((resolve) => {
    navigator.locks
      .request(lock(tab), { signal: AbortSignal.timeout(RELOAD_MS) }, () => {
        resolve(true);
        return new Promise<void>(() => {});
      })
      .catch(() => resolve(false));
  });
}

async function identify(): Promise<string> {
  const fresh = crypto.randomUUID();
  if (!navigator.locks) return fresh;
  try {
    // A duplicated tab starts with its original's storage, and must not take its id.
    const known = sessionStorage.getItem(KEY);
    if (known !== null && (await take(known))) return known;
    sessionStorage.setItem(KEY, fresh);
  } catch {
    // Without session storage a reload is a new tab: its text is found as one left behind.
  }
  await take(fresh);
  return fresh;
}

/** This tab's id. */
export const thisTab: Promise<string> = identify();

/** The ids of the tabs that are alive, this one among them. */
export async function livingTabs(): Promise<Set<string>> {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return new Set(held.flatMap(({ name = "" }) => (name.startsWith("tab:") ? [name.slice(4)] : [])));
}
