/** One topic: what it holds, what a test would find in it, and the feeds it follows. */
import { useSignal } from "@preact/signals";
import { FlaskConical, Trash2 } from "lucide-preact";
import { useEffect, useRef } from "preact/hooks";
import { useLoad } from "../parts/load";
import { Failed, Working } from "../parts/notice";
import { go, query } from "../parts/router";
import { Tabs } from "../parts/tabs";
import { useWhileVisible } from "../parts/visible";
import { feedsInShort } from "../rules/feeds";
import { publishedSpan, sameTopic, topicPath } from "../rules/topics";
import { count } from "../rules/when";
import { listFeeds, listTopics, type Topic } from "../server";
import { Page } from "../shell";
import { DeleteTopic } from "./topic/delete-topic";
import { Feeds } from "./topic/feeds";
import { Searching } from "./topic/searching";
import "../styles/topics.css";

/** How often the state of the feeds is asked for while one looks. */
const FEEDS_MS = 60_000;

export function TopicPage({ name }: { name: string }) {
  return <OneTopic key={name} name={name} />;
}

function OneTopic({ name }: { name: string }) {
  const loaded = useLoad(listTopics);
  const topics = loaded.data.value;
  const topic = topics?.find((one) => sameTopic(one.name, name));
  if (topics && !topic && !loaded.loading.value) return <NotThere name={name} />;
  return (
    <Page title={topic?.name ?? name} lead={topic && <About topic={topic} />}>
      {loaded.error.value !== undefined && <Failed error={loaded.error.value} retry={loaded.reload} />}
      {!topics && loaded.loading.value && <Working>Loading the topic</Working>}
      {topic && <Contents topic={topic} onChange={() => void loaded.reload()} />}
    </Page>
  );
}

function About({ topic }: { topic: Topic }) {
  return (
    <span class="number">
      {count(topic.article_count, "article")}
      {topic.article_count > 0 && `, published ${publishedSpan(topic)}`}
      {topic.sample && ". An invented sample: its articles report nothing real, and their links lead nowhere"}
      .
    </span>
  );
}

type View = "articles" | "feeds";

/** The two sides of a topic; which one is shown stands in the address, beside what was searched for. */
function Contents({ topic, onChange }: { topic: Topic; onChange: () => void }) {
  const feeds = useLoad(() => listFeeds(topic.name), [topic.name]);
  useWhileVisible(FEEDS_MS, () => {
    void feeds.reload();
    onChange();
  });
  const deleting = useSignal(false);

  // With the last article that is deleted its list goes, and the focus with that.
  const before = useRef(topic.article_count);
  useEffect(() => {
    if (before.current > 0 && topic.article_count === 0 && document.activeElement === document.body)
      document.getElementById("main")?.focus({ preventScroll: true });
    before.current = topic.article_count;
  }, [topic.article_count]);
  const view: View = query.value.get("view") === "feeds" ? "feeds" : "articles";
  const show = (next: View): void => {
    const address = new URLSearchParams(query.peek());
    if (next === "feeds") address.set("view", next);
    else address.delete("view");
    go(topicPath(topic.name, address.toString()), { replace: true });
  };
  const follow = (): void => {
    show("feeds");
    // The button that was pressed is gone with its side.
    requestAnimationFrame(() => document.getElementById("feed-address")?.focus());
  };
  return (
    <div class="stack topic">
      {(topic.article_count > 0 || topic.may_delete) && (
        <p class="row">
          {topic.article_count > 0 && (
            <>
              <a class="button" href={`/prompt-workshop?topic=${encodeURIComponent(topic.name)}`}>
                <FlaskConical class="icon" aria-hidden="true" />
                Test a prompt on this topic
              </a>
              <a href={`/topics?topic=${encodeURIComponent(topic.name)}`}>Add articles</a>
            </>
          )}
          {topic.may_delete && (
            <button
              type="button"
              class="plain danger"
              onClick={() => {
                deleting.value = true;
              }}
            >
              <Trash2 class="icon" aria-hidden="true" />
              Delete topic
            </button>
          )}
        </p>
      )}
      <Tabs<View>
        label="Sides of the topic"
        tabs={[
          { id: "articles", label: "Articles" },
          { id: "feeds", label: "Feeds", badge: feedsInShort(feeds.data.value ?? []) },
        ]}
        selected={view}
        onSelect={show}
      />
      <div role="tabpanel" id={`panel-${view}`} aria-labelledby={`tab-${view}`} class="stack">
        {view === "feeds" && <Feeds topic={topic.name} loaded={feeds} onChange={onChange} />}
        {view === "articles" && topic.article_count > 0 && <Searching topic={topic} onChange={onChange} />}
        {view === "articles" && topic.article_count === 0 && <NoArticles topic={topic} onFeeds={follow} />}
      </div>
      {deleting.value && (
        <DeleteTopic
          topic={topic}
          feeds={feeds.data.value?.length}
          onMissing={onChange}
          onClose={() => {
            deleting.value = false;
          }}
        />
      )}
    </div>
  );
}

function NoArticles({ topic, onFeeds }: { topic: Topic; onFeeds: () => void }) {
  return (
    <div class="empty">
      <h2>No articles yet</h2>
      <p>
        Follow a feed, and what it publishes comes in by itself; or import a file. Then it can be searched and
        tested on here.
      </p>
      <p class="row">
        <button type="button" class="primary" onClick={onFeeds}>
          Follow a feed
        </button>
        <a class="button" href={`/topics?topic=${encodeURIComponent(topic.name)}`}>
          Import a file
        </a>
      </p>
    </div>
  );
}

function NotThere({ name }: { name: string }) {
  return (
    <Page
      title="No such topic"
      lead={`No topic is called “${name}”. The address may be mistyped; importing articles or following a feed under this name makes it.`}
    >
      <p>
        <a class="button" href="/topics">
          See all topics
        </a>
      </p>
    </Page>
  );
}
