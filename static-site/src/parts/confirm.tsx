/** Asks once before something goes: what goes, a way to keep it, and what became of it when it fails. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { Refused, Unreachable } from "../server";
import { Dialog } from "./dialog";
import { Failed, Notice, Working } from "./notice";

export function Confirm({
  title,
  keep = "Keep it",
  confirm = "Delete it for everyone",
  working = "Deleting",
  act,
  onClose,
  children,
}: {
  title: string;
  /** The words of the button that changes nothing. */
  keep?: string;
  /** The words of the button that does it. */
  confirm?: string;
  /** What is said while it is done. */
  working?: string;
  /** Does it, and says so; what it throws is told here. */
  act: () => Promise<void>;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const isWorking = useSignal(false);
  const error = useSignal<unknown>(undefined);

  const run = async (): Promise<void> => {
    if (isWorking.value) return;
    isWorking.value = true;
    error.value = undefined;
    try {
      await act();
    } catch (failure) {
      error.value = failure;
    } finally {
      isWorking.value = false;
    }
  };

  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      {error.value !== undefined && <NotDone error={error.value} />}
      <div class="actions">
        {isWorking.value && <Working>{working}</Working>}
        <button type="button" onClick={onClose}>
          {keep}
        </button>
        <button type="button" class="danger" aria-disabled={isWorking.value} onClick={() => void run()}>
          {confirm}
        </button>
      </div>
    </Dialog>
  );
}

/** When no answer came, nobody here knows whether the server did it. */
function NotDone({ error }: { error: unknown }) {
  if (!(error instanceof Unreachable)) return <Failed error={error} />;
  return (
    <Notice kind="bad">
      The workshop's server doesn't answer. It may be gone all the same; try again when the server is back.
    </Notice>
  );
}

/** Whether it isn't there any more: somebody else was faster, or the answer to an earlier try was lost. */
export const isGone = (failure: unknown): boolean => failure instanceof Refused && failure.status === 404;
