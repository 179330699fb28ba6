/** Asks once before an article goes from its topic, and says how it could come back. */
import { useSignal } from "@preact/signals";
import { Dialog } from "../../parts/dialog";
import { Working } from "../../parts/notice";
import { deleteArticle, type FoundArticle, Refused } from "../../server";
import { NotDeleted } from "./not-deleted";

export function DeleteArticle({
  topic,
  article,
  onGone,
  onClose,
}: {
  topic: string;
  article: FoundArticle;
  onGone: (article: FoundArticle) => void;
  onClose: () => void;
}) {
  const working = useSignal(false);
  const error = useSignal<unknown>(undefined);
  const others = article.also_at?.length ?? 0;

  const remove = async (): Promise<void> => {
    if (working.value) return;
    working.value = true;
    error.value = undefined;
    try {
      await deleteArticle(topic, article.id);
      onGone(article);
    } catch (failure) {
      // Somebody else was faster, or an earlier answer was lost.
      if (failure instanceof Refused && failure.status === 404) onGone(article);
      else error.value = failure;
    } finally {
      working.value = false;
    }
  };

  return (
    <Dialog title={`Delete “${article.title}”`} onClose={onClose}>
      <p>
        It goes from “{topic}” for everyone
        {others > 0 && ", with the other addresses it was met at"}. No feed brings it back; importing it again
        does.
      </p>
      <p>Tests that were given it keep what they recorded.</p>
      {error.value !== undefined && <NotDeleted error={error.value} />}
      <div class="actions">
        {working.value && <Working>Deleting</Working>}
        <button type="button" onClick={onClose}>
          Keep it
        </button>
        <button type="button" class="danger" aria-disabled={working.value} onClick={() => void remove()}>
          Delete it for everyone
        </button>
      </div>
    </Dialog>
  );
}
