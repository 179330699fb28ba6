/** What happened, what was kept and what to do, said where it happened. */
import type { ComponentChildren } from "preact";
import { sentence } from "../server";

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

/** A failed request, with a way to try again. */
export function Failed({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  return (
    <Notice
      kind="bad"
      actions={
        retry && (
          <button type="button" onClick={retry}>
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
