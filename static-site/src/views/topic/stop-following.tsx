/** Asks before a feed isn't followed any more, and says what stays. */
import { Confirm, isGone } from "../../parts/confirm";
import { count } from "../../rules/when";
import { type Feed, unfollowFeed } from "../../server";

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
  const stop = async (): Promise<void> => {
    try {
      await unfollowFeed(topic, feed.id);
    } catch (failure) {
      if (!isGone(failure)) throw failure;
    }
    onGone(feed);
  };

  return (
    <Confirm
      title={`Stop following “${feed.title}”`}
      keep="Keep following"
      confirm="Stop following"
      working="Stopping"
      act={stop}
      onClose={onClose}
    >
      <p>
        Nothing more is collected from <span class="mono">{feed.url}</span> for this topic, for everyone who
        uses it.{" "}
        {feed.articles_added > 0 &&
          `The ${count(feed.articles_added, "article")} that came from it ${feed.articles_added === 1 ? "stays" : "stay"}.`}
      </p>
    </Confirm>
  );
}
