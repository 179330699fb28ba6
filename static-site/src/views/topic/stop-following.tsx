/** Asks before a feed isn't followed any more, and says what stays. */
import { useSignal } from "@preact/signals";
import { Dialog } from "../../parts/dialog";
import { Failed, Working } from "../../parts/notice";
import { count } from "../../rules/when";
import { type Feed, Refused, unfollowFeed } from "../../server";

export function StopFollowing({
  topic,
  feed,
  onGone,
  onClose,
}: {
  topic: string;
  feed: Feed;
  onGone: (feed: Feed) => void;
  onClose: () => void;
}) {
  const working = useSignal(false);
  const error = useSignal<unknown>(undefined);

  const stop = async (): Promise<void> => {
    if (working.value) return;
    working.value = true;
    error.value = undefined;
    try {
      await unfollowFeed(topic, feed.id);
      onGone(feed);
    } catch (failure) {
      // Somebody else was faster.
      if (failure instanceof Refused && failure.status === 404) onGone(feed);
      else error.value = failure;
    } finally {
      working.value = false;
    }
  };

  return (
    <Dialog title={`Stop following “${feed.title}”`} onClose={onClose}>
      <p>
        Nothing more is collected from <span class="mono">{feed.url}</span> for this topic, for everyone who
        uses it.{" "}
        {feed.articles_added > 0 &&
          `The ${count(feed.articles_added, "article")} that came from it ${feed.articles_added === 1 ? "stays" : "stay"}.`}
      </p>
      {error.value !== undefined && <Failed error={error.value} />}
      <div class="actions">
        {working.value && <Working>Stopping</Working>}
        <button type="button" onClick={onClose}>
          Keep following
        </button>
        <button type="button" class="danger" aria-disabled={working.value} onClick={() => void stop()}>
          Stop following
        </button>
      </div>
    </Dialog>
  );
}
