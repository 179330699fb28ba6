/** What happened, what was kept and what to do, said where it happened. */
import type { ComponentChildren } from "preact";
import { Refused, sentence } from "../server";

export function Notice({
  kind = "info",
  children,
  actions,
}: {
  kind?: "info" | "warn" | "bad";
  children: ComponentChildren;
  actions?: ComponentChildren;
}) {
  return (
    <div class={`notice ${kind}`} role={kind === "bad" ? "alert" : "note"}>
      <p>{children}</p>
      {actions}
    </div>
  );
}

/** A button that is gone once it was pressed leaves its focus to the view, not to nothing. */
function keepFocus(): void {
  requestAnimationFrame(() => {
    if (document.activeElement === document.body)
      document.getElementById("main")?.focus({ preventScroll: true });
  });
}

/** A failed request, with a way to try again. */
export function Failed({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  // What to do about it stands above every view, once.
  if (error instanceof Refused && error.code === "sign-in-ended") {
    return <Notice kind="warn">This waits until you have signed in again.</Notice>;
  }
  return (
    <Notice
      kind="bad"
      actions={
        retry && (
          <button
            type="button"
            onClick={() => {
              retry();
              keepFocus();
            }}
          >
            Try again
          </button>
        )
      }
    >
      {sentence(error)}
    </Notice>
  );
}

/** Seen only when a wait lasts longer than 300 ms. */
export function Working({ children = "Loading" }: { children?: ComponentChildren }) {
  return (
    <span class="working" role="status">
      {children}…
    </span>
  );
}
