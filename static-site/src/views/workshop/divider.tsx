/** The line between the panels: dragged, or moved with the arrow keys. */
import type { Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

const LEAST = 25;
const MOST = 70;
const STEP = 2;
const KEY = "split";

const within = (share: number): number => Math.min(MOST, Math.max(LEAST, share));

export function Divider({ split }: { split: Signal<number> }) {
  useEffect(() => {
    try {
      const kept = Number(localStorage.getItem(KEY));
      if (kept > 0) split.value = within(kept);
    } catch {
      // Without storage it stands where it stands by default.
    }
  }, []);

  const set = (share: number): void => {
    split.value = within(share);
    try {
      localStorage.setItem(KEY, String(split.value));
    } catch {
      // It lasts until the page is left.
    }
  };

  const drag = (event: PointerEvent & { currentTarget: HTMLElement }): void => {
    const handle = event.currentTarget;
    const frame = handle.parentElement?.getBoundingClientRect();
    if (!frame) return;
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    const move = (moved: PointerEvent): void => set(((moved.clientX - frame.left) / frame.width) * 100);
    const end = (): void => {
      handle.removeEventListener("pointermove", move);
      handle.removeEventListener("lostpointercapture", end);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", end);
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator that moves has no element of its own.
    <div
      class="divider"
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the conversation"
      aria-controls="chat-panel"
      aria-valuenow={Math.round(split.value)}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      tabIndex={0}
      onPointerDown={drag}
      onKeyDown={(event) => {
        const to = {
          ArrowLeft: split.value - STEP,
          ArrowRight: split.value + STEP,
          Home: LEAST,
          End: MOST,
        }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        set(to);
      }}
    />
  );
}
