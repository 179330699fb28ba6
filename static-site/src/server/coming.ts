/** Shapes that the OpenAPI document doesn't have yet; each goes when it is generated from there. */
import type { components } from "./openapi";

type Schemas = components["schemas"];

export interface Feed {
  id: string;
  url: string;
  title: string;
  site_url?: string | null;
  status: "waiting" | "working" | "failing" | "stopped";
  /** Why it fails or stopped, a sentence. */
  problem?: string | null;
  last_checked_at?: string | null;
  last_worked_at?: string | null;
  next_check_at?: string | null;
  /** In a row. */
  failures: number;
  /** Ever. */
  articles_added: number;
  /** By the last collection that worked. */
  last_added: number;
  last_rejected: number;
  created_at: string;
}

export interface LargeImport {
  id: string;
  topic: string;
  format: "jsonl" | "csv";
  status: "uploading" | "queued" | "running" | "finished" | "failed";
  bytes: number;
  bytes_read: number;
  added: number;
  updated: number;
  /** Near-identical to an article that is there, and kept as another address of it. */
  duplicates: number;
  /** The first hundred. */
  rejected: { line: number; detail: string }[];
  rejected_total: number;
  error?: string | null;
  created_at: string;
  updated_at: string;
  finished_at?: string | null;
}

/** Where a file is sent, at another origin and without a token. */
export interface UploadTarget {
  method: string;
  url: string;
  headers: Record<string, string>;
  expires_at: string;
}

export interface StartedImport {
  import: LargeImport;
  upload: UploadTarget;
}

export interface Facet {
  name: string;
  count: number;
}

/** What articles can be filtered by, most frequent first. */
export interface Facets {
  articles: number;
  categories: Facet[];
  sentiments: Facet[];
  sources: Facet[];
  /** Whether all were counted, or only the newest thousand. */
  complete: boolean;
}

export type Found = Schemas["Found"] & {
  /** Other addresses of the same story. */
  also_at: string[];
  /** 1 is the best by words. */
  words_rank?: number | null;
  meaning_rank?: number | null;
  /** Near-duplicates that are folded under it. */
  similar: { title: string; url: string; source?: string | null; published_at: string }[];
};

export interface ToolCall {
  round: number;
  name: string;
  /** A JSON object, or what the model wrote in its place. */
  arguments: unknown;
  /** Its first 2,000 characters. */
  result: string;
  result_length: number;
  is_error: boolean;
  /** How many it returned. */
  articles: number;
  millis: number;
  started_at: string;
}

export interface Checks {
  words: number;
  /** Links to given articles, each occurrence. */
  citations: number;
  articles_cited: number;
  articles_given: number;
  /** Distinct outlets among the cited. */
  sources_cited: number;
  /** Links that lead to no article given; the first twenty. */
  invented: { text: string; url: string }[];
  invented_total: number;
  /** Sentences with a number and without a citation; the first twenty. */
  uncited_numbers: string[];
  uncited_numbers_total: number;
  structure: { asked: string; found: boolean }[];
}

export type FullRun = Schemas["FullRunView"] & {
  /** In order, growing while it runs. */
  tool_calls?: ToolCall[];
  /** Null until an answer is recorded. */
  checks?: Checks | null;
};
