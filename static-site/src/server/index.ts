/**
 * Every route the page uses, one function each, typed by the OpenAPI document.
 * All of them throw `Refused` or `Unreachable` (see http.ts).
 */
import { events } from "./events";
import { ask, type Problem, Refused, send, Unreachable } from "./http";
import type { components, operations } from "./openapi";

export { isServerThere, type Oidc, readConfig } from "./config";
export { type Problem, Refused, sentence, Unreachable } from "./http";
export { identity, type Provider, type Renewal } from "./identity";
export { UploadRefused, upload } from "./upload";

type Schemas = components["schemas"];
type Answer<Name extends keyof operations> = operations[Name] extends { responses: infer All }
  ? {
      [Code in keyof All & (200 | 201 | 202)]: All[Code] extends {
        content: { "application/json": infer Body };
      }
        ? Body
        : never;
    }[keyof All & (200 | 201 | 202)]
  : never;

export type Draft = Schemas["DraftView"];
export type DraftSummary = Schemas["Summary"];
export type DraftStatus = Schemas["Status"];
export type DraftPage = Answer<"drafts-list">;
export type Message = Schemas["Message"];
export type Ending = Schemas["Ending"];
export type Run = Schemas["RunView"];
export type FullRun = Schemas["FullRunView"];
export type ToolCall = Schemas["ToolCall"];
export type Checks = Schemas["Checks"];
export type RunState = Schemas["State"];
export type RunPage = Answer<"tests-list">;
export type Model = Schemas["ModelView"];
export type Topic = Schemas["Topic"];
export type Prompt = Schemas["Prompt"];
export type FullPrompt = Answer<"prompts-get">;
export type PromptPage = Answer<"prompts-list">;
export type PromptVersion = Schemas["Version"];
export type Imported = Answer<"articles-import">;
export type LargeImport = Schemas["LargeImport"];
export type Preview = Schemas["Preview"];
export type DateOrder = Schemas["DateOrder"];
export type Search = Answer<"articles-search">;
export type FoundArticle = Schemas["Found"];
export type Facets = Answer<"topics-facets">;
export type Facet = Facets["categories"][number];
export type Feed = Schemas["Feed"];
export type Metrics = Answer<"metrics-get">;
type FullOrder = Schemas["Order"];
export type Order = Pick<FullOrder, "test_query" | "topic"> & Partial<FullOrder>;

const WORKSHOP = "/api/auspex/prompts/workshop";
const LIBRARY = "/api/auspex/prompts";
const CHAT = "/api/auspex/chat";
/** The longest silence of a stream that sends signs of life every five seconds. */
const STREAM_SILENCE_MS = 45_000;
const IMPORT_MS = 150_000;
/** A feed may take 15 seconds to come, and what is in it has to be stored. */
const COLLECT_MS = 60_000;

/** A key that makes a repeat of the same request return the first answer. */
export const newKey = (): string => crypto.randomUUID();

const at = (...parts: string[]): string => parts.map(encodeURIComponent).join("/");

function query(values: Record<string, string | number | null | undefined>): string {
  const given = Object.entries(values).filter(
    ([, value]) => value !== undefined && value !== null && value !== "",
  );
  if (given.length === 0) return "";
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

const ifMatch = (revision: number): Record<string, string> => ({ "if-match": `"${revision}"` });
const once = (key: string): Record<string, string> => ({ "idempotency-key": key });

// Drafts

export const startDraft = (
  input: {
    starting_prompt?: string;
    parent_prompt_name?: string;
    draft_name?: string;
    requirements?: string;
  },
  key: string,
): Promise<Answer<"drafts-start">> => ask("POST", `${WORKSHOP}/start`, { body: input, headers: once(key) });

export const listDrafts = (page: {
  status?: DraftStatus | "";
  limit?: number;
  cursor?: string | null;
}): Promise<DraftPage> =>
  ask(
    "GET",
    `${WORKSHOP}/drafts${query({ status_filter: page.status, limit: page.limit, cursor: page.cursor })}`,
  );

export const getDraft = (id: string): Promise<Draft> => ask("GET", `${WORKSHOP}/drafts/${at(id)}`);

export interface Edit {
  draft_content?: string;
  draft_name?: string;
  draft_description?: string;
  status?: DraftStatus;
}

/** Saves what changed since `revision`. A stale one is `Refused` with `problem.current`. */
export const saveDraft = (id: string, edit: Edit, revision: number): Promise<Answer<"drafts-update">> =>
  ask("PUT", `${WORKSHOP}/drafts/${at(id)}`, { body: edit, headers: ifMatch(revision) });

export const deleteDraft = (id: string, keepalive = false): Promise<unknown> =>
  ask("DELETE", `${WORKSHOP}/drafts/${at(id)}`, { keepalive });

export const commitDraft = (
  id: string,
  commit: { name: string; title: string; description?: string },
  revision: number,
  key: string,
): Promise<Answer<"drafts-commit">> =>
  ask("POST", `${WORKSHOP}/drafts/${at(id)}/commit`, {
    body: commit,
    headers: { ...ifMatch(revision), ...once(key) },
  });

// Test runs

export const startRun = (draft: string, order: Order, key: string): Promise<Run> =>
  ask("POST", `${WORKSHOP}/drafts/${at(draft)}/test`, { body: order, headers: once(key) });

export const listRuns = (draft: string, limit: number, cursor?: string | null): Promise<RunPage> =>
  ask("GET", `${WORKSHOP}/drafts/${at(draft)}/tests${query({ limit, cursor })}`);

/** A run that changed since `tag`, with its new tag; null when it didn't. */
export async function getRun(
  draft: string,
  run: string,
  tag?: string,
): Promise<{ run: FullRun; tag: string | undefined } | null> {
  const answer = await send("GET", `${WORKSHOP}/drafts/${at(draft)}/tests/${at(run)}`, {
    headers: tag === undefined ? {} : { "if-none-match": tag },
  });
  if (answer.status === 304) return null;
  try {
    return { run: (await answer.json()) as FullRun, tag: answer.headers.get("etag") ?? undefined };
  } catch (error) {
    throw new Unreachable(error);
  }
}

export const rateRun = (
  draft: string,
  run: string,
  verdict: { user_rating?: number | null; notes?: string | null },
): Promise<Run> => ask("PATCH", `${WORKSHOP}/drafts/${at(draft)}/tests/${at(run)}`, { body: verdict });

export const cancelRun = (draft: string, run: string): Promise<unknown> =>
  ask("POST", `${WORKSHOP}/drafts/${at(draft)}/tests/${at(run)}/cancel`);

// Conversation

export const getMessages = (chat: string, cursor?: string | null): Promise<Answer<"chat-history">> =>
  ask("GET", `${CHAT}/sessions/${at(chat)}/messages${query({ limit: 50, cursor })}`);

export const stopAnswer = (chat: string): Promise<unknown> =>
  ask("POST", `${CHAT}/sessions/${at(chat)}/stop`);

/** What an event of an answer can tell. */
interface Told {
  content?: string;
  thinking?: string;
  all_thinking?: boolean;
  done?: boolean;
  error?: Problem;
}

/** How an answer ended. */
export interface Done {
  message_id: string | null;
  model: string | null;
  truncated: boolean;
  stopped: boolean;
}

/**
 * Sends a message, or without one asks for the answer that is pending, and
 * passes the answer's words on as they come. Throws `Refused` for an error that
 * comes inside the stream as well.
 */
export async function converse(
  chat: string,
  message: { text?: string; model?: string | undefined },
  key: string,
  on: {
    accepted: () => void;
    text: (text: string) => void;
    thinking: (text: string) => void;
    /** All text until here was thinking. */
    allThinking: () => void;
  },
  signal: AbortSignal,
): Promise<Done> {
  const silence = new AbortController();
  let timer = 0;
  const alive = (): void => {
    clearTimeout(timer);
    timer = window.setTimeout(() => silence.abort(), STREAM_SILENCE_MS);
  };
  alive();
  try {
    const answer = await send("POST", `${CHAT}/message`, {
      body: { chat_id: chat, message: message.text, model: message.model },
      headers: once(key),
      signal: AbortSignal.any([signal, silence.signal]),
      timeoutMs: 300_000,
    });
    on.accepted();
    if (!answer.body) throw new Unreachable();
    for await (const data of events(answer.body, alive)) {
      const event = JSON.parse(data) as Partial<Done> & Told;
      if (event.thinking !== undefined) on.thinking(event.thinking);
      if (event.all_thinking) on.allThinking();
      if (event.content !== undefined) on.text(event.content);
      if (event.error) throw new Refused(event.error);
      if (event.done) {
        return {
          message_id: event.message_id ?? null,
          model: event.model ?? null,
          truncated: event.truncated ?? false,
          stopped: event.stopped ?? false,
        };
      }
    }
    throw new Unreachable();
  } catch (error) {
    if (error instanceof Refused || signal.aborted) throw error;
    throw new Unreachable(error);
  } finally {
    clearTimeout(timer);
  }
}

// Library

export const listPrompts = (cursor?: string | null): Promise<PromptPage> =>
  ask("GET", `${LIBRARY}${query({ limit: 100, cursor })}`);

export const getPrompt = (name: string, version?: number): Promise<FullPrompt> =>
  ask("GET", `${LIBRARY}/${at(name)}${query({ version })}`);

export const listVersions = (name: string, cursor?: string | null): Promise<Answer<"prompts-versions">> =>
  ask("GET", `${LIBRARY}/${at(name)}/versions${query({ limit: 100, cursor })}`);

export const deletePrompt = (name: string): Promise<unknown> => ask("DELETE", `${LIBRARY}/${at(name)}`);

export const clonePrompt = (name: string, key: string): Promise<Answer<"prompts-clone">> =>
  ask("POST", `${LIBRARY}/${at(name)}/clone`, { headers: once(key) });

// Topics and articles

/** All topics: the list is an array whose next page is named in `Link`. */
export async function listTopics(): Promise<Topic[]> {
  const topics: Topic[] = [];
  let path = `/api/topics${query({ limit: 100 })}`;
  for (let page = 0; page < 50; page += 1) {
    const answer = await send("GET", path);
    topics.push(...((await answer.json()) as Topic[]));
    const next = /<([^>]+)>;\s*rel="?next"?/.exec(answer.headers.get("link") ?? "")?.[1];
    if (next === undefined) break;
    const url = new URL(next, location.href);
    path = url.pathname + url.search;
  }
  return topics;
}

/** What a person says of a file; the server finds out the rest. */
export interface SaidOfFile {
  columns?: string | undefined;
  dates?: DateOrder | undefined;
}

/** What a file is, its bytes say. As this type they come as they are, in any encoding. */
const BYTES = "application/octet-stream";

/** How a file would be read, as its beginning shows. Nothing is imported. */
export const previewArticles = async (
  topic: string,
  head: Blob,
  said: SaidOfFile,
  signal: AbortSignal,
): Promise<Preview> => {
  const path = `/api/topics/${at(topic)}/articles${query({ preview: "yes", ...said })}`;
  const answer = await ask<Imported>("POST", path, { raw: { type: BYTES, data: head }, signal });
  if (!answer.preview) throw new Unreachable();
  return answer.preview;
};

export const importArticles = (
  topic: string,
  file: { type?: "application/x-ndjson" | "text/csv" | undefined; data: Blob } & SaidOfFile,
  signal?: AbortSignal,
): Promise<Imported> =>
  ask("POST", `/api/topics/${at(topic)}/articles${query({ columns: file.columns, dates: file.dates })}`, {
    raw: { type: file.type ?? BYTES, data: file.data },
    timeoutMs: IMPORT_MS,
    ...(signal ? { signal } : {}),
  });

/** Says where a file can be uploaded. Nothing is imported before `runImport`. */
export const startImport = (topic: string, file: Schemas["FileOrder"]): Promise<Answer<"imports-start">> =>
  ask("POST", `/api/topics/${at(topic)}/imports`, { body: file });

/** Queues an import whose file was uploaded; a conflict when it wasn't, or not whole. A repeat changes nothing. */
export const runImport = (topic: string, id: string): Promise<Answer<"imports-run">> =>
  ask("POST", `/api/topics/${at(topic)}/imports/${at(id)}/run`);

export const getImport = (topic: string, id: string): Promise<Answer<"imports-get">> =>
  ask("GET", `/api/topics/${at(topic)}/imports/${at(id)}`);

export const searchArticles = (
  topic: string,
  search: {
    query: string;
    days?: number | undefined;
    limit?: number;
    category?: string;
    sentiment?: string;
    source?: string;
  },
): Promise<Search> => ask("GET", `/api/topics/${at(topic)}/articles${query(search)}`);

/** What the articles of the last `days`, or all, can be filtered by. */
export const listFacets = (topic: string, days?: number): Promise<Facets> =>
  ask("GET", `/api/topics/${at(topic)}/facets${query({ days })}`);

/** Deletes a topic with its articles and feeds, and says how many those were. */
export const deleteTopic = (topic: string): Promise<Answer<"topics-delete">> =>
  ask("DELETE", `/api/topics/${at(topic)}`);

export const deleteArticle = (topic: string, id: string): Promise<Answer<"articles-delete">> =>
  ask("DELETE", `/api/topics/${at(topic)}/articles/${at(id)}`);

// Feeds

export async function listFeeds(topic: string): Promise<Feed[]> {
  const answer = await ask<Answer<"feeds-list">>("GET", `/api/topics/${at(topic)}/feeds`);
  return answer.feeds;
}

/** Follows a feed and collects it at once; makes the topic. */
export const followFeed = (topic: string, url: string): Promise<Feed> =>
  ask("POST", `/api/topics/${at(topic)}/feeds`, { body: { url }, timeoutMs: COLLECT_MS });

export const collectFeed = (topic: string, id: string): Promise<Feed> =>
  ask("POST", `/api/topics/${at(topic)}/feeds/${at(id)}/collect`, { timeoutMs: COLLECT_MS });

export const unfollowFeed = (topic: string, id: string): Promise<unknown> =>
  ask("DELETE", `/api/topics/${at(topic)}/feeds/${at(id)}`);

// The deployment

export const listModels = (): Promise<Model[]> => ask("GET", "/api/models");
export const getMetrics = (days: number): Promise<Metrics> => ask("GET", `/api/metrics${query({ days })}`);
export const getHealth = (): Promise<Answer<"health">> => ask("GET", "/api/health");
