/**
 * Answers that a real server can't be made to give: feeds that have failed for
 * days, other people's hostile words in every place, refusals at will. Each
 * test changes what it needs.
 */
import type { Page, Route } from "@playwright/test";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const at = (ms: number): string => new Date(Date.now() + ms).toISOString();

export interface Feed {
  id: string;
  url: string;
  title: string;
  site_url: string | null;
  status: "waiting" | "working" | "failing" | "stopped";
  problem: string | null;
  last_checked_at: string | null;
  last_worked_at: string | null;
  next_check_at: string | null;
  failures: number;
  articles_added: number;
  last_added: number;
  last_rejected: number;
  created_at: string;
}

export const feed = (id: string, title: string, more: Partial<Feed> = {}): Feed => ({
  id,
  url: `https://${id}.example.com/feed.xml`,
  title,
  site_url: `https://${id}.example.com/`,
  status: "working",
  problem: null,
  last_checked_at: at(-12 * MINUTE),
  last_worked_at: at(-12 * MINUTE),
  next_check_at: at(18 * MINUTE),
  failures: 0,
  articles_added: 214,
  last_added: 3,
  last_rejected: 0,
  created_at: at(-100 * HOUR),
  ...more,
});

export const FEEDS: Feed[] = [
  feed("harbour", "Harbour Gazette"),
  feed("ministry", "Ministry of Labour: press releases", {
    status: "failing",
    problem: "The server answered 503: it is overloaded or being worked on.",
    last_checked_at: at(-40 * MINUTE),
    last_worked_at: at(-30 * HOUR),
    next_check_at: at(80 * MINUTE),
    failures: 6,
    articles_added: 31,
  }),
  feed("old", "The Old Observer", {
    status: "stopped",
    problem: "The feed is gone (410): its publisher took it away.",
    last_worked_at: at(-20 * 24 * HOUR),
    next_check_at: null,
    failures: 1,
    articles_added: 1_204,
  }),
  feed("fresh", "Fresh off the press", {
    status: "waiting",
    site_url: null,
    last_checked_at: null,
    last_worked_at: null,
    next_check_at: at(30_000),
    articles_added: 0,
    last_added: 0,
  }),
];

const json = (route: Route, body: unknown, status = 200, headers: Record<string, string> = {}) =>
  route.fulfill({ status, headers, contentType: "application/json", body: JSON.stringify(body) });

export const refuse = (
  route: Route,
  status: number,
  code: string,
  detail: string,
  pointer?: string,
  headers: Record<string, string> = {},
) =>
  json(
    route,
    {
      type: `urn:prompt-workshop:problem:${code}`,
      title: code,
      status,
      detail,
      instance: "request",
      errors: pointer === undefined ? [] : [{ pointer, detail }],
    },
    status,
    headers,
  );

/** Feeds of every topic; what is done to them is done to `feeds`. */
export async function feeds(
  page: Page,
  all: Feed[],
  on: {
    follow?: (route: Route, url: string) => Promise<void>;
    collect?: (route: Route, feed: Feed) => Promise<void>;
  } = {},
): Promise<void> {
  await page.route(/\/api\/topics\/[^/]+\/feeds(?:\/|$)/, async (route) => {
    const request = route.request();
    const [, id = ""] = /\/feeds\/([^/]+)/.exec(request.url()) ?? [];
    const known = all.find((one) => one.id === id);
    if (request.method() === "GET") return json(route, { feeds: all });
    if (request.method() === "DELETE") {
      all.splice(0, all.length, ...all.filter((one) => one.id !== id));
      return json(route, { message: "The feed isn't followed any more." });
    }
    if (known) {
      if (on.collect) return on.collect(route, known);
      Object.assign(known, {
        status: "working",
        problem: null,
        failures: 0,
        last_added: 2,
        last_worked_at: at(0),
        last_checked_at: at(0),
        next_check_at: at(30 * MINUTE),
      });
      return json(route, known);
    }
    const { url } = request.postDataJSON() as { url: string };
    if (on.follow) return on.follow(route, url);
    const made = feed(`new-${all.length}`, new URL(url).host, {
      url,
      last_added: 20,
      articles_added: 20,
      last_checked_at: at(0),
      last_worked_at: at(0),
    });
    all.push(made);
    return json(route, made, 201);
  });
}

export const FACETS = {
  articles: 1_000,
  categories: [
    { name: "Regulation", count: 312 },
    { name: "Industry", count: 208 },
    { name: "Health", count: 94 },
  ],
  sentiments: [
    { name: "neutral", count: 480 },
    { name: "critical", count: 210 },
    { name: "positive", count: 180 },
  ],
  sources: [
    { name: "Harbour Gazette", count: 214 },
    { name: "Ministry of Labour", count: 31 },
  ],
  complete: false,
};

export const facets = (page: Page, all = FACETS) =>
  page.route(/\/api\/topics\/[^/]+\/facets/, (route) => json(route, all));

/** Adds to what the search finds whatever `more` says of the article at that place. */
export async function found(
  page: Page,
  more: (article: Record<string, unknown>, place: number) => Record<string, unknown>,
): Promise<void> {
  await page.route(/\/api\/topics\/[^/]+\/articles\?/, async (route) => {
    const answer = await route.fetch();
    const told = await answer.json();
    told.by_meaning = true;
    told.articles = told.articles.map((article: Record<string, unknown>, place: number) => ({
      ...article,
      ...more(article, place),
    }));
    await route.fulfill({ response: answer, json: told });
  });
}

/** What a search by words and meaning says of the first four. */
export const REASONS: Record<string, unknown>[] = [
  {
    words_rank: 3,
    meaning_rank: 1,
    also_at: ["https://mirror.example.org/a", "https://wire.example.net/b"],
    similar: [
      {
        title: "The same story, told by the wire",
        url: "https://wire.example.net/story",
        source: "Example Wire",
        published_at: at(-30 * HOUR),
      },
      {
        title: "And by a regional paper",
        url: "https://regional.example.net/story",
        source: null,
        published_at: at(-29 * HOUR),
      },
    ],
  },
  { words_rank: 1, meaning_rank: 4 },
  { words_rank: 2 },
  { matched_words: [], meaning_rank: 2 },
];

export const CALLS = [
  {
    round: 1,
    name: "enhanced_database_search",
    arguments: { query: "surveys of AI adoption among small firms", limit: 20, days_back: 60 },
    result:
      "1. Survey: two in five firms tried AI this year\n   Example Times, 18 Nov 2026\n   Of 1,200 firms asked, 41 per cent had tried AI.",
    result_length: 8_412,
    is_error: false,
    articles: 14,
    millis: 412,
    started_at: at(-60_000),
  },
  {
    round: 1,
    name: "get_article_categories",
    arguments: {},
    result: "Regulation 312, Industry 208, Health 94",
    result_length: 39,
    is_error: false,
    articles: 0,
    millis: 38,
    started_at: at(-59_000),
  },
  {
    round: 2,
    name: "search_articles_by_categories",
    arguments: { categories: ["Regulation", "Health"], sentiment: "critical" },
    result: "",
    result_length: 0,
    is_error: false,
    articles: 9,
    millis: 120,
    started_at: at(-50_000),
  },
  {
    round: 3,
    name: "follow_up_query",
    arguments: '{"query": "hospitals',
    result: "The arguments are no JSON object. Write them again.",
    result_length: 51,
    is_error: true,
    articles: 0,
    millis: 2,
    started_at: at(-40_000),
  },
];

export const CHECKS = {
  words: 412,
  citations: 7,
  articles_cited: 4,
  articles_given: 12,
  sources_cited: 3,
  invented: [{ text: "the OECD's report", url: "https://oecd.example.org/ai-2026" }],
  invented_total: 1,
  uncited_numbers: ["Of the hospitals, 63 per cent plan to buy such a system by 2028."],
  uncited_numbers_total: 3,
  structure: [
    { asked: "three bullet points", found: true },
    { asked: "a section on gaps", found: false },
  ],
};

/** Adds to a run, when the page asks for it. */
export const run = (page: Page, more: (run: Record<string, unknown>) => Record<string, unknown>) =>
  page.route(/\/tests\/[^/]+$/, async (route) => {
    const answer = await route.fetch({ headers: { ...route.request().headers(), "if-none-match": "" } });
    if (answer.status() !== 200) return route.fulfill({ response: answer });
    const told = await answer.json();
    await route.fulfill({ response: answer, json: { ...told, ...more(told) } });
  });
