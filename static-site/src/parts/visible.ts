/** Asking the server only while somebody looks. */
import { useEffect, useRef } from "preact/hooks";

const isVisible = (): boolean => document.visibilityState === "visible";

/** A page that nobody sees doesn't ask. */
export function whenVisible(): Promise<void> {
  if (isVisible()) return Promise.resolve();
  return new Promise((resolve) => {
    const seen = (): void => {
      if (!isVisible()) return;
      document.removeEventListener("visibilitychange", seen);
      resolve();
    };
    document.addEventListener("visibilitychange", seen);
  });
}

/** Calls `act` every `ms` while the page is seen, and at once when it is seen again after longer than that. */
export function useWhileVisible(ms: number, act: () => void): void {
  const newest = useRef(act);
  newest.current = act;
  useEffect(() => {
    let last = Date.now();
    const due = (): void => {
      if (!isVisible() || Date.now() - last < ms) return;
      last = Date.now();
      newest.current();
    };
    // A little late each time, so that no turn is missed by a millisecond.
    const timer = setInterval(due, ms + 50);
    document.addEventListener("visibilitychange", due);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", due);
    };
  }, [ms]);
}
