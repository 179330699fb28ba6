/** Sentences said in passing, each with at most one thing to do about it. They are read out, too. */
import { signal } from "@preact/signals";

interface Toast {
  id: number;
  text: string;
  action: { label: string; run: () => void } | undefined;
}

const SHOWN_MS = 8_000;
const toasts = signal<Toast[]>([]);
let last = 0;

/** Says `text`; returns what takes it away early. `onGone` runs when it goes without its action. */
export function say(
  text: string,
  action?: { label: string; run: () => void },
  onGone?: () => void,
): () => void {
  last += 1;
  const id = last;
  const remove = (): void => {
    clearTimeout(timer);
    toasts.value = toasts.value.filter((toast) => toast.id !== id);
  };
  const timer = setTimeout(() => {
    remove();
    onGone?.();
  }, SHOWN_MS);
  const run = (): void => {
    remove();
    action?.run();
  };
  toasts.value = [...toasts.value, { id, text, action: action && { label: action.label, run } }];
  return remove;
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <div class="toast" key={toast.id}>
          <span>{toast.text}</span>
          {toast.action && (
            <button type="button" onClick={toast.action.run}>
              {toast.action.label}
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
