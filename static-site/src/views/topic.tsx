/** One topic: what it holds, and what a test would find in it. */
import { useSignal } from "@preact/signals";
import { FlaskConical, Search as SearchIcon } from "lucide-preact";
import { useEffect } from "preact/hooks";
import { useLoad } from "../parts/load";
import { Failed, Notice, Working } from "../parts/notice";
import { go, query } from "../parts/router";
import { QUERY_LENGTH } from "../rules/text";
import { publishedSpan, sameTopic, topicPath, webAddress } from "../rules/topics";
import { count, date, exact, number } from "../rules/when";
import { type FoundArticle, listTopics, Refused, type Search, searchArticles, type Topic } from "../server";
import { Page } from "../shell";
import "../styles/topics.css";

const LIMITS = [10, 20, 50, 100, 200];
const LIMIT = 20;
const DAYS_MAX = 36_500;

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
      {topic && <Contents topic={topic} />}
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

function Contents({ topic }: { topic: Topic }) {
  if (topic.article_count === 0) {
    return (
      <div class="empty">
        <h2>No articles yet</h2>
        <p>Import a file of them, and they can be searched and tested on here.</p>
        <a class="button" href="/topics">
          Add articles
        </a>
      </div>
    );
  }
  return (
    <div class="stack topic">
      <p class="row">
        <a class="button" href={`/prompt-workshop?topic=${encodeURIComponent(topic.name)}`}>
          <FlaskConical class="icon" aria-hidden="true" />
          Test a prompt on this topic
        </a>
        <a href="/topics">Add articles</a>
      </p>
      <Searching topic={topic} />
    </div>
  );
}

/** The search and what it finds. What was asked stands in the address. */
function Searching({ topic }: { topic: Topic }) {
  const asked = {
    query: query.value.get("query") ?? "",
    days: query.value.get("days") ?? "",
    limit: Number(query.value.get("limit")) || LIMIT,
  };
  const days = /^\d{1,5}$/.test(asked.days) ? Number(asked.days) : undefined;
  const limit = LIMITS.includes(asked.limit) ? asked.limit : LIMIT;
  const found = useLoad(
    () => searchArticles(topic.name, { query: asked.query, days, limit }),
    [topic.name, asked.query, days, limit],
  );
  const result = found.data.value;
  const error = found.error.value;
  return (
    <>
      <SearchForm topic={topic} asked={{ ...asked, limit }} onAgain={() => void found.reload()} />
      <section class="results" aria-label="What was found" aria-busy={found.loading.value}>
        {error !== undefined && (
          <Failed
            error={error}
            retry={error instanceof Refused && !error.passes ? undefined : () => void found.reload()}
          />
        )}
        {found.loading.value && <Working>Searching</Working>}
        {result && error === undefined && <Results result={result} asked={asked.query} days={days} />}
      </section>
    </>
  );
}

function SearchForm({
  topic,
  asked,
  onAgain,
}: {
  topic: Topic;
  asked: { query: string; days: string; limit: number };
  onAgain: () => void;
}) {
  const words = useSignal(asked.query);
  const days = useSignal(asked.days);
  const limit = useSignal(asked.limit);
  const wrong = useSignal("");

  // The way back and forth changes the address, and the form with it.
  useEffect(() => {
    words.value = asked.query;
    days.value = asked.days;
    limit.value = asked.limit;
  }, [asked.query, asked.days, asked.limit]);

  const submit = (event: Event): void => {
    event.preventDefault();
    const period = days.value.trim();
    const given = Number(period);
    if (period !== "" && !(Number.isInteger(given) && given >= 1 && given <= DAYS_MAX)) {
      wrong.value = `Whole days, 1 to ${number(DAYS_MAX)}; empty for all.`;
      document.getElementById("search-days")?.focus();
      return;
    }
    wrong.value = "";
    const wanted = new URLSearchParams();
    if (words.value.trim() !== "") wanted.set("query", words.value.trim());
    if (period !== "") wanted.set("days", String(given));
    if (limit.value !== LIMIT) wanted.set("limit", String(limit.value));
    if (wanted.toString() === query.peek().toString()) onAgain();
    else go(topicPath(topic.name, wanted.toString()));
  };

  return (
    <search>
      <form class="search" onSubmit={submit} noValidate>
        <div class="field words">
          <label for="search-query">Try a search</label>
          <input
            id="search-query"
            type="search"
            maxLength={QUERY_LENGTH[1]}
            autocomplete="off"
            placeholder="What do surveys say in the last 30 days?"
            value={words.value}
            onInput={(event) => {
              words.value = event.currentTarget.value;
            }}
          />
        </div>
        <div class="field">
          <label for="search-days">Of the last days</label>
          <input
            id="search-days"
            inputMode="numeric"
            autocomplete="off"
            placeholder="all"
            value={days.value}
            aria-invalid={wrong.value !== ""}
            aria-describedby={wrong.value === "" ? undefined : "search-days-wrong"}
            onInput={(event) => {
              days.value = event.currentTarget.value;
              wrong.value = "";
            }}
          />
        </div>
        <div class="field">
          <label for="search-limit">At most</label>
          <select
            id="search-limit"
            value={String(limit.value)}
            onChange={(event) => {
              limit.value = Number(event.currentTarget.value);
            }}
          >
            {LIMITS.map((one) => (
              <option key={one} value={String(one)}>
                {one} articles
              </option>
            ))}
          </select>
        </div>
        <button type="submit">
          <SearchIcon class="icon" aria-hidden="true" />
          Search
        </button>
        {wrong.value !== "" && (
          <p id="search-days-wrong" class="wrong">
            {wrong.value}
          </p>
        )}
      </form>
    </search>
  );
}

function Results({ result, asked, days }: { result: Search; asked: string; days: number | undefined }) {
  const searched = asked.trim() !== "";
  return (
    <>
      <header>
        <h2>{searched ? "What a test would find" : "The newest articles"}</h2>
        <p class="quiet small number" role="status">
          {summary(result, searched, days)}
        </p>
      </header>
      {result.notice && <Notice kind="warn">{result.notice}</Notice>}
      <ol>
        {result.articles.map((article) => (
          <Article key={article.url} article={article} scored={searched} />
        ))}
      </ol>
    </>
  );
}

function summary(result: Search, searched: boolean, days: number | undefined): string {
  const shown = count(result.articles.length, "article");
  const looked = `${count(result.searched, "article")} looked through`;
  const parts = [
    searched
      ? `${shown} shown; ${number(result.total)} of ${looked} ${result.total === 1 ? "has" : "have"} words of the question.`
      : `${shown} shown; ${looked}.`,
  ];
  if (result.time_phrase) parts.push(`The period was understood as “${result.time_phrase}”.`);
  if (days !== undefined) parts.push(`Only the last ${count(days, "day")} were looked at.`);
  if (searched && result.articles.length > 1) parts.push("Scores compare within this list only.");
  return parts.join(" ");
}

/** What an article says is someone else's text: shown as text, and linked to only as an address of the web. */
function Article({ article, scored }: { article: FoundArticle; scored: boolean }) {
  const address = webAddress(article.url);
  return (
    <li>
      <h3>
        {address ? (
          <a href={address.href} target="_blank" rel="noopener noreferrer">
            {article.title}
          </a>
        ) : (
          article.title
        )}
      </h3>
      <p class="facts quiet small number">
        <span>{article.source ?? address?.host ?? ""}</span>
        <time dateTime={article.published_at} title={exact(article.published_at)}>
          {date(article.published_at)}
        </time>
        {article.category && <span>{article.category}</span>}
        {article.sentiment && <span>{article.sentiment}</span>}
        {article.sample && <span>invented sample</span>}
      </p>
      {article.summary && <p class="summary">{article.summary}</p>}
      {article.text && (
        <details>
          <summary>{article.summary ? "Full text" : "Text"}</summary>
          <p class="full">{article.text}</p>
        </details>
      )}
      {scored && (
        <p class="facts quiet small number">
          <span>Score {article.score.toFixed(2)}</span>
          <span>
            {article.matched_words.length === 0
              ? "none of the question's words"
              : `matched: ${article.matched_words.join(", ")}`}
          </span>
        </p>
      )}
    </li>
  );
}

function NotThere({ name }: { name: string }) {
  return (
    <Page
      title="No such topic"
      lead={`No topic is called “${name}”. The address may be mistyped; importing articles under this name makes it.`}
    >
      <p>
        <a class="button" href="/topics">
          See all topics
        </a>
      </p>
    </Page>
  );
}
