import { describe, expect, test } from "vitest";
import type { ToolCall } from "../server";
import { argumentsOf, callsInShort, came, subject, toolDone, toolName } from "./tools";

const call: ToolCall = {
  round: 1,
  name: "search_articles_by_keywords",
  arguments: { keywords: ["survey", "adoption"] },
  result: "",
  result_length: 0,
  is_error: false,
  articles: 12,
  millis: 400,
  started_at: "2026-05-03T12:00:00Z",
};

test("a tool is named in words, one that isn't known by its own name", () => {
  expect(toolName("search_articles_by_keywords")).toBe("search by keywords");
  expect(toolDone("follow_up_query")).toBe("Asked a follow-up question");
  expect(toolName("browse_web")).toBe("browse_web");
  expect(toolDone("browse_web")).toBe("Called browse_web");
});

describe("arguments", () => {
  test("are readable, in their order", () => {
    expect(argumentsOf({ query: "surveys", days_back: 60, deep: true, categories: ["A", "B"] })).toEqual([
      { name: "query", value: "surveys" },
      { name: "days back", value: "60" },
      { name: "deep", value: "true" },
      { name: "categories", value: "A, B" },
    ]);
    expect(argumentsOf({ period: { from: "2026-01-01" }, none: null })).toEqual([
      { name: "period", value: '{"from":"2026-01-01"}' },
      { name: "none", value: "null" },
    ]);
    expect(argumentsOf({})).toEqual([]);
  });

  test("that are broken are shown as the model wrote them", () => {
    expect(argumentsOf('{"query": "hosp')).toEqual([{ name: "", value: '{"query": "hosp' }]);
    expect(argumentsOf(null)).toEqual([]);
    expect(argumentsOf([1, 2])).toEqual([{ name: "", value: "1, 2" }]);
  });

  test("tell what a call is about by the first that is text", () => {
    expect(subject({ limit: 20, query: "surveys", other: "x" })).toBe("surveys");
    expect(subject({ categories: ["Regulation", "Health"] })).toBe("Regulation, Health");
    expect(subject({ limit: 20, query: " " })).toBe("");
    expect(subject('{"query')).toBe("");
    expect(subject(null)).toBe("");
  });
});

test("a search that found nothing says so; what isn't a search says nothing of articles", () => {
  expect(came(call)).toBe("12 articles");
  expect(came({ name: "enhanced_database_search", articles: 0 })).toBe("no articles");
  expect(came({ name: "get_article_categories", articles: 0 })).toBe("");
});

test("all calls in a line: how many, how many went wrong, how long they took", () => {
  expect(callsInShort([call])).toBe("1 tool call, 400 ms");
  expect(callsInShort([call, { ...call, is_error: true, millis: 1_700 }])).toBe(
    "2 tool calls, one with an error, 2.1 s",
  );
});
