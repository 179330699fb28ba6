/** The research tools a model calls, and their arguments, in words. */
import type { ToolCall } from "../server";
import { count, duration } from "./when";

/** What each is, as a thing and as something that was done, and whether it is for finding articles. */
const TOOLS: Record<string, { name: string; done: string; finds: boolean }> = {
  enhanced_database_search: {
    name: "search by words and meaning",
    done: "Searched by words and meaning",
    finds: true,
  },
  get_topic_articles: { name: "newest articles", done: "Read the newest articles", finds: true },
  search_articles_by_keywords: { name: "search by keywords", done: "Searched by keywords", finds: true },
  search_articles_by_categories: {
    name: "search by categories",
    done: "Searched by categories",
    finds: true,
  },
  get_article_categories: { name: "list of categories", done: "Listed the categories", finds: false },
  analyze_sentiment_trends: {
    name: "sentiment over time",
    done: "Looked at sentiment over time",
    finds: false,
  },
  follow_up_query: { name: "follow-up question", done: "Asked a follow-up question", finds: true },
};

/** A tool that isn't known goes by the name that it has for models. */
export const toolName = (name: string): string => TOOLS[name]?.name ?? name;

/** What was done by calling it. */
export const toolDone = (name: string): string => TOOLS[name]?.done ?? `Called ${name}`;

/** What came of it: `12 articles`; empty where articles aren't what it is for. */
export function came({ name, articles }: Pick<ToolCall, "name" | "articles">): string {
  if (articles > 0) return count(articles, "article");
  return TOOLS[name]?.finds === false ? "" : "no articles";
}

export interface Argument {
  name: string;
  value: string;
}

/** Arguments to read, in the order in which the model gave them. Of broken ones there is a single nameless text. */
export function argumentsOf(given: unknown): Argument[] {
  if (given === null || given === undefined) return [];
  if (typeof given !== "object" || Array.isArray(given)) return [{ name: "", value: inWords(given) }];
  return Object.entries(given).map(([name, value]) => ({
    name: name.replaceAll("_", " "),
    value: inWords(value),
  }));
}

/** What the call was about, to be told beside its name: its first argument that is text. */
export function subject(given: unknown): string {
  if (typeof given !== "object" || given === null) return "";
  for (const value of Object.values(given)) {
    if (typeof value === "string" && value.trim() !== "") return value;
    if (Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === "string"))
      return value.join(", ");
  }
  return "";
}

function inWords(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((each) => typeof each !== "object" || each === null))
    return value.map(inWords).join(", ");
  return JSON.stringify(value) ?? "";
}

/** `4 tool calls, one with an error, 2.1 s`. */
export function callsInShort(calls: readonly ToolCall[]): string {
  const errors = calls.filter((call) => call.is_error).length;
  const millis = calls.reduce((sum, call) => sum + call.millis, 0);
  return [
    count(calls.length, "tool call"),
    errors > 0 && (errors === 1 ? "one with an error" : `${errors} with errors`),
    calls.length > 0 && duration(millis),
  ]
    .filter(Boolean)
    .join(", ");
}
