/** The search of a topic and what it finds. What was asked stands in the address. */
import { useSignal } from "@preact/signals";
import { Search as SearchIcon } from "lucide-preact";
import { useEffect, useRef } from "preact/hooks";
import { useLoad } from "../../parts/load";
import { Failed, Notice, Working } from "../../parts/notice";
import { go, query } from "../../parts/router";
import { say } from "../../parts/toasts";
import {
  type Asked,
  FILTERS,
  type Filter,
  isFiltered,
  LIMITS,
  PERIODS,
  readAsked,
  writeAsked,
} from "../../rules/search";
import { QUERY_LENGTH } from "../../rules/text";
import { topicPath } from "../../rules/topics";
import { count, number } from "../../rules/when";
import {
  type Facet,
  type Facets,
  type FoundArticle,
  listFacets,
  Refused,
  type Search,
  searchArticles,
  type Topic,
} from "../../server";
import { DeleteArticle } from "./delete-article";
import { FoundItem } from "./found";

export function Searching({
  topic,
  onChange,
}: {
  topic: Topic;
  /** The topic has fewer articles. */
  onChange: () => void;
}) {
  const asked = readAsked(query.value);
  const days = asked.days === 0 ? undefined : asked.days;
  const found = useLoad(
    () => searchArticles(topic.name, { ...asked, days }),
    [topic.name, ...Object.values(asked)],
  );
  const facets = useLoad(() => listFacets(topic.name, days), [topic.name, days, topic.article_count]);
  const result = found.data.value;
  const error = found.error.value;

  // It goes from what is shown at once; the server's answer follows.
  const gone = (article: FoundArticle): void => {
    const before = found.data.peek();
    if (before)
      found.data.value = { ...before, articles: before.articles.filter((one) => one.id !== article.id) };
    say(`“${article.title}” was deleted from “${topic.name}”.`);
    void found.reload();
    onChange();
  };
  return (
    <>
      <SearchForm
        topic={topic}
        asked={asked}
        facets={facets.data.value}
        onAgain={() => void found.reload()}
      />
      <section class="results" aria-label="What was found" aria-busy={found.loading.value}>
        {error !== undefined && (
          <Failed
            error={error}
            retry={error instanceof Refused && !error.passes ? undefined : () => void found.reload()}
          />
        )}
        {found.loading.value && <Working>Searching</Working>}
        {result && error === undefined && (
          <Results result={result} asked={asked} topic={topic} onGone={gone} />
        )}
      </section>
    </>
  );
}

const LABELS: Record<Filter, string> = { category: "Category", sentiment: "Sentiment", source: "Source" };
const FACETS = { category: "categories", sentiment: "sentiments", source: "sources" } as const;

function SearchForm({
  topic,
  asked,
  facets,
  onAgain,
}: {
  topic: Topic;
  asked: Asked;
  facets: Facets | undefined;
  onAgain: () => void;
}) {
  const wanted = useSignal(asked);

  // The way back and forth changes the address, and the form with it.
  useEffect(() => {
    wanted.value = asked;
  }, Object.values(asked));

  const change = (next: Partial<Asked>): void => {
    wanted.value = { ...wanted.value, ...next };
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    const address = writeAsked(wanted.value).toString();
    if (address === writeAsked(asked).toString()) onAgain();
    else go(topicPath(topic.name, address));
  };

  return (
    <search>
      <form class="search" onSubmit={submit}>
        <div class="field words">
          <label for="search-query">Try a search</label>
          <input
            id="search-query"
            type="search"
            maxLength={QUERY_LENGTH[1]}
            autocomplete="off"
            placeholder="What do surveys say in the last 30 days?"
            value={wanted.value.query}
            onInput={(event) => change({ query: event.currentTarget.value })}
          />
        </div>
        <button type="submit">
          <SearchIcon class="icon" aria-hidden="true" />
          Search
        </button>
        <div class="filters">
          {FILTERS.map((filter) => (
            <FilterChoice
              key={filter}
              filter={filter}
              value={wanted.value[filter]}
              values={facets?.[FACETS[filter]]}
              onChange={(value) => change({ [filter]: value })}
            />
          ))}
          <div class="field">
            <label for="search-days">Published</label>
            <select
              id="search-days"
              value={String(wanted.value.days)}
              onChange={(event) => change({ days: Number(event.currentTarget.value) })}
            >
              <option value="0">Any time</option>
              {periods(wanted.value.days).map((days) => (
                <option key={days} value={String(days)}>
                  Last {count(days, "day")}
                </option>
              ))}
            </select>
          </div>
          <div class="field">
            <label for="search-limit">At most</label>
            <select
              id="search-limit"
              value={String(wanted.value.limit)}
              onChange={(event) => change({ limit: Number(event.currentTarget.value) })}
            >
              {LIMITS.map((one) => (
                <option key={one} value={String(one)}>
                  {one} articles
                </option>
              ))}
            </select>
          </div>
        </div>
        {facets && !facets.complete && (
          <p class="hint">The numbers beside the filters count the newest {number(1_000)} articles only.</p>
        )}
      </form>
    </search>
  );
}

const periods = (chosen: number): number[] =>
  chosen === 0 || PERIODS.includes(chosen) ? PERIODS : [...PERIODS, chosen].sort((a, b) => a - b);

/** One of the values that articles have; one that the address names stays, also when none has it. */
function FilterChoice({
  filter,
  value,
  values,
  onChange,
}: {
  filter: Filter;
  value: string;
  values: Facet[] | undefined;
  onChange: (value: string) => void;
}) {
  const isKnown = value === "" || values?.some((one) => one.name === value);
  return (
    <div class="field">
      <label for={`search-${filter}`}>{LABELS[filter]}</label>
      <select
        id={`search-${filter}`}
        value={value}
        disabled={values?.length === 0 && value === ""}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        <option value="">{values?.length === 0 ? "None is given" : "All"}</option>
        {!isKnown && <option value={value}>{value}</option>}
        {values?.map((one) => (
          <option key={one.name} value={one.name}>
            {one.name} ({number(one.count)})
          </option>
        ))}
      </select>
    </div>
  );
}

function Results({
  result,
  asked,
  topic,
  onGone,
}: {
  result: Search;
  asked: Asked;
  topic: Topic;
  onGone: (article: FoundArticle) => void;
}) {
  const searched = asked.query !== "";
  const heading = useRef<HTMLHeadingElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const leaving = useSignal<FoundArticle | undefined>(undefined);
  const gone = (article: FoundArticle): void => {
    const place = result.articles.findIndex((one) => one.id === article.id);
    leaving.value = undefined;
    onGone(article);
    // The button that was pressed is gone: the next article's gets the focus, or the heading after the last.
    requestAnimationFrame(() => {
      const next = list.current?.children[place]?.querySelector<HTMLElement>(".heading > button");
      (next ?? heading.current)?.focus();
    });
  };
  const all = writeAsked({ ...asked, category: "", sentiment: "", source: "", days: 0 });
  return (
    <>
      <header>
        <h2 ref={heading} tabIndex={-1}>
          {searched ? "What a test would find" : "The newest articles"}
        </h2>
        <p class="quiet small number" role="status">
          {summary(result, searched, asked)}
        </p>
        {isFiltered(asked) && (
          <a
            class="small"
            href={topicPath(topic.name, all.toString())}
            onClick={() => heading.current?.focus({ preventScroll: true })}
          >
            Without the filters
          </a>
        )}
      </header>
      {result.notice && <Notice kind="warn">{result.notice}</Notice>}
      <ol ref={list}>
        {result.articles.map((article) => (
          <FoundItem
            key={article.url}
            article={article}
            byMeaning={result.by_meaning ?? false}
            onDelete={
              topic.may_delete
                ? () => {
                    leaving.value = article;
                  }
                : undefined
            }
          />
        ))}
      </ol>
      {leaving.value && (
        <DeleteArticle
          topic={topic.name}
          article={leaving.value}
          onGone={gone}
          onClose={() => {
            leaving.value = undefined;
          }}
        />
      )}
    </>
  );
}

function summary(result: Search, searched: boolean, asked: Asked): string {
  const shown = count(result.articles.length, "article");
  const parts = [
    searched
      ? `${shown} shown of ${number(result.searched)} in the topic; ${number(result.total)} ${result.total === 1 ? "has" : "have"} words of the question.`
      : `${shown} shown of ${number(result.searched)} in the topic.`,
  ];
  if (result.time_phrase) parts.push(`The period was understood as “${result.time_phrase}”.`);
  const only = [
    ...FILTERS.map((filter) => asked[filter]).filter((value) => value !== ""),
    ...(asked.days > 0 ? [`the last ${count(asked.days, "day")}`] : []),
  ];
  if (only.length > 0) parts.push(`Only ${only.join(", ")}.`);
  return parts.join(" ");
}
