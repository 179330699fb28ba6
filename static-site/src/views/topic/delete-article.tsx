/** Asks once before an article goes from its topic, and says how it could come back. */
import { Confirm, isGone } from "../../parts/confirm";
import { deleteArticle, type FoundArticle } from "../../server";

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
  const others = article.also_at?.length ?? 0;

  const remove = async (): Promise<void> => {
    try {
      await deleteArticle(topic, article.id);
    } catch (failure) {
      if (!isGone(failure)) throw failure;
    }
    onGone(article);
  };

  return (
    <Confirm title={`Delete “${article.title}”`} act={remove} onClose={onClose}>
      <p>
        It goes from “{topic}” for everyone
        {others > 0 && ", with the other addresses it was met at"}. No feed brings it back; importing it again
        does.
      </p>
      <p>Tests that were given it keep what they recorded.</p>
    </Confirm>
  );
}
