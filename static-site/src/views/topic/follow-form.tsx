/** Following a feed by its address. What is wrong with one is said at the field, in the server's words. */
import { useSignal } from "@preact/signals";
import { Rss } from "lucide-preact";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { useKeptText } from "../../keep/kept";
import { Failed, Working } from "../../parts/notice";
import { say } from "../../parts/toasts";
import { addressesIn, feedAddress, outcome } from "../../rules/feeds";
import { count } from "../../rules/when";
import { type Feed, followFeed, Refused, sentence } from "../../server";

const URL_MAX = 2_000;

export function FollowForm({
  topicOf,
  onFollowed,
  children,
}: {
  /** The topic that the feed is for; undefined, once it said so, when none is named yet. */
  topicOf: () => string | undefined;
  onFollowed: (feed: Feed, topic: string) => void;
  /** What stands before the address. */
  children?: ComponentChildren;
}) {
  const address = useKeptText("feed-address");
  const wrong = useSignal("");
  const named = useSignal<string[]>([]);
  const error = useSignal<unknown>(undefined);
  const following = useSignal(false);
  const field = useRef<HTMLInputElement>(null);

  const type = (text: string): void => {
    address.value = text;
    wrong.value = "";
    named.value = [];
    error.value = undefined;
  };

  const follow = async (): Promise<void> => {
    if (following.value) return;
    const url = feedAddress(address.value);
    const topic = topicOf();
    if (topic === undefined) return;
    if (url === "") {
      wrong.value = "Type the address of a feed.";
      field.current?.focus();
      return;
    }
    type(address.value);
    following.value = true;
    try {
      const feed = await followFeed(topic, url);
      address.clear();
      onFollowed(feed, topic);
      const failed = feed.status === "failing" || feed.status === "stopped";
      say(
        failed
          ? `${outcome(feed)} It is followed all the same.`
          : `“${feed.title}” is followed: ${count(feed.last_added, "article")} came in.`,
      );
    } catch (failure) {
      if (failure instanceof Refused && failure.status !== 401) {
        wrong.value = sentence(failure);
        named.value = addressesIn(wrong.value, url);
      } else error.value = failure;
    } finally {
      following.value = false;
      field.current?.focus();
    }
  };

  return (
    <form
      class="follow"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void follow();
      }}
    >
      {children}
      <div class="field">
        <label for="feed-address">Address of a feed</label>
        <div class="line">
          <input
            id="feed-address"
            ref={field}
            type="url"
            maxLength={URL_MAX}
            autocomplete="off"
            spellcheck={false}
            value={address.value}
            readOnly={following.value}
            aria-invalid={wrong.value !== ""}
            aria-describedby="feed-address-hint"
            onInput={(event) => type(event.currentTarget.value)}
          />
          <button type="submit" class="primary" aria-disabled={following.value}>
            <Rss class="icon" aria-hidden="true" />
            {following.value ? "Following" : "Follow"}
          </button>
        </div>
        <p id="feed-address-hint" class={wrong.value === "" ? "hint" : "wrong"}>
          {wrong.value || "RSS, Atom or JSON Feed. It is collected at once, and from then on by itself."}
        </p>
      </div>
      {named.value.length > 0 && (
        <p class="row">
          {named.value.map((url) => (
            <button
              key={url}
              type="button"
              class="link small"
              onClick={() => {
                type(url);
                void follow();
              }}
            >
              Follow {url}
            </button>
          ))}
        </p>
      )}
      {following.value && <Working>Collecting it for the first time: this takes up to 15 seconds</Working>}
      {error.value !== undefined && <Failed error={error.value} />}
    </form>
  );
}
