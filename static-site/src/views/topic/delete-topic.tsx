/** Asks once before a topic goes, and says how much goes with it. */
import { Confirm, isGone } from "../../parts/confirm";
import { go } from "../../parts/router";
import { say } from "../../parts/toasts";
import { whatGoes } from "../../rules/topics";
import { count } from "../../rules/when";
import { deleteTopic, type Topic } from "../../server";

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
  const remove = async (): Promise<void> => {
    try {
      const { articles } = await deleteTopic(topic.name);
      say(`“${topic.name}” was deleted, with ${count(articles, "article")}.`);
      go("/topics", { replace: true });
    } catch (failure) {
      // The page behind the dialog says so, too.
      if (isGone(failure)) onMissing();
      throw failure;
    }
  };

  return (
    <Confirm title={`Delete the topic “${topic.name}”`} act={remove} onClose={onClose}>
      <p>{whatGoes(topic.article_count, feeds)}</p>
      <p>
        Tests that were made on it keep what they recorded. The name is taken until all is removed, which
        takes two minutes, and longer for very many articles.
      </p>
    </Confirm>
  );
}
