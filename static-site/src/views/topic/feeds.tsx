/** The feeds a topic follows: how each is, and what can be done about it. */
import { useSignal } from "@preact/signals";
import { RefreshCw } from "lucide-preact";
import type { Loaded } from "../../parts/load";
import { Failed, Notice, Working } from "../../parts/notice";
import { say } from "../../parts/toasts";
import { health, outcome } from "../../rules/feeds";
import { webAddress } from "../../rules/topics";
import { count, exact } from "../../rules/when";
import { collectFeed, type Feed, Refused, sentence } from "../../server";
import { FollowForm } from "./follow-form";
import { StopFollowing } from "./stop-following";

export function Feeds({
  topic,
  loaded,
  onChange,
}: {
  topic: string;
  loaded: Loaded<Feed[]>;
  /** Articles may have come in. */
  onChange: () => void;
}) {
  const leaving = useSignal<Feed | undefined>(undefined);
  const feeds = loaded.data.value;

  // The answer to what was done is shown at once; the server's list follows.
  const put = (feed: Feed): void => {
    const others = (loaded.data.peek() ?? []).filter((known) => known.id !== feed.id);
    loaded.data.value = [...others, feed].sort((a, b) => a.title.localeCompare(b.title));
    onChange();
  };
  const gone = (feed: Feed): void => {
    leaving.value = undefined;
    loaded.data.value = (loaded.data.peek() ?? []).filter((known) => known.id !== feed.id);
    say(`“${feed.title}” isn't followed any more. Its articles stay in the topic.`);
    // The button that was pressed is gone; the dialog would give the focus back to it.
    requestAnimationFrame(() => document.getElementById("feed-address")?.focus());
  };

  return (
    <>
      <FollowForm topicOf={() => topic} onFollowed={put} />
      {loaded.error.value !== undefined && <Failed error={loaded.error.value} retry={loaded.reload} />}
      {!feeds && loaded.loading.value && <Working>Asking for the feeds</Working>}
      {feeds?.length === 0 && <NoFeeds />}
      {feeds && feeds.length > 0 && (
        <ul class="feeds" aria-label="Feeds followed">
          {feeds.map((feed) => (
            <OneFeed
              key={feed.id}
              topic={topic}
              feed={feed}
              onCollected={put}
              onStop={() => {
                leaving.value = feed;
              }}
            />
          ))}
        </ul>
      )}
      {leaving.value && (
        <StopFollowing
          topic={topic}
          feed={leaving.value}
          onGone={gone}
          onClose={() => {
            leaving.value = undefined;
          }}
        />
      )}
    </>
  );
}

function NoFeeds() {
  return (
    <div class="empty">
      <h2>No feed is followed yet</h2>
      <p>
        What a feed publishes comes into this topic by itself, so that tests run on what is new. Most news
        sites, journals and authorities have one: look for “RSS” on their pages, or give the address of such a
        page, and you are told of the feeds that it names.
      </p>
    </div>
  );
}

/** Titles and addresses are someone else's text: shown as text, linked to only as addresses of the web. */
function OneFeed({
  topic,
  feed,
  onCollected,
  onStop,
}: {
  topic: string;
  feed: Feed;
  onCollected: (feed: Feed) => void;
  onStop: () => void;
}) {
  const collecting = useSignal(false);
  const error = useSignal<unknown>(undefined);
  const site = feed.site_url ? webAddress(feed.site_url) : undefined;
  const { mood, state, words } = health(feed, Date.now());

  const collect = async (): Promise<void> => {
    if (collecting.value) return;
    collecting.value = true;
    error.value = undefined;
    try {
      const collected = await collectFeed(topic, feed.id);
      onCollected(collected);
      say(outcome(collected));
    } catch (failure) {
      error.value = failure;
    } finally {
      collecting.value = false;
    }
  };

  const title = feed.title.trim() === "" ? feed.url : feed.title;
  return (
    <li aria-busy={collecting.value}>
      <div class="feed">
        <h2>
          {site ? (
            <a href={site.href} target="_blank" rel="noopener noreferrer">
              {title}
            </a>
          ) : (
            title
          )}
        </h2>
        <p class="small quiet address">{feed.url}</p>
        <p class="small health">
          <span class={`status ${mood}`}>{state}</span>{" "}
          <span class="quiet number" title={feed.last_checked_at ? exact(feed.last_checked_at) : undefined}>
            {words}
            {feed.articles_added > 0 && ` ${count(feed.articles_added, "article")} so far.`}
          </span>
        </p>
      </div>
      <div class="row">
        <button
          type="button"
          aria-disabled={collecting.value}
          aria-label={`Collect now: ${title}`}
          onClick={() => void collect()}
        >
          <RefreshCw class={collecting.value ? "icon turning" : "icon"} aria-hidden="true" />
          {collecting.value ? "Collecting" : "Collect now"}
        </button>
        <button type="button" class="plain" aria-label={`Stop following: ${title}`} onClick={onStop}>
          Stop following
        </button>
      </div>
      {error.value !== undefined && (
        <Notice kind={error.value instanceof Refused && error.value.status === 429 ? "warn" : "bad"}>
          {sentence(error.value)}
        </Notice>
      )}
    </li>
  );
}
