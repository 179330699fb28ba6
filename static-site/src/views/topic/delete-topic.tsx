/** Asks once before a topic goes, and says how much goes with it. */
import { useSignal } from "@preact/signals";
import { Dialog } from "../../parts/dialog";
import { Working } from "../../parts/notice";
import { go } from "../../parts/router";
import { say } from "../../parts/toasts";
import { whatGoes } from "../../rules/topics";
import { count } from "../../rules/when";
import { deleteTopic, Refused, type Topic } from "../../server";
import { NotDeleted } from "./not-deleted";

export function DeleteTopic({
  topic,
  feeds,
  onMissing,
  onClose,
}: {
  topic: Topic;
  /** How many feeds it follows; nothing while that isn't known. */
  feeds: number | undefined;
  /** The server has no such topic any more. */
  onMissing: () => void;
  onClose: () => void;
}) {
  const working = useSignal(false);
  const error = useSignal<unknown>(undefined);

  const remove = async (): Promise<void> => {
    if (working.value) return;
    working.value = true;
    error.value = undefined;
    try {
      const { articles } = await deleteTopic(topic.name);
      say(`“${topic.name}” was deleted, with ${count(articles, "article")}.`);
      go("/topics", { replace: true });
    } catch (failure) {
      error.value = failure;
      working.value = false;
      // Somebody else was faster, or an earlier answer was lost: then the page says so.
      if (failure instanceof Refused && failure.status === 404) onMissing();
    }
  };

  return (
    <Dialog title={`Delete the topic “${topic.name}”`} onClose={onClose}>
      <p>{whatGoes(topic.article_count, feeds)}</p>
      <p>
        Tests that were made on it keep what they recorded. The name is taken until all is removed, which
        takes two minutes, and longer for very many articles.
      </p>
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
