import { describe, expect, test } from "vitest";
import type { Feed } from "../server";
import { addressesIn, feedAddress, feedsInShort, health, outcome } from "./feeds";

const NOW = Date.parse("2026-05-03T12:00:00Z");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const at = (ms: number): string => new Date(NOW + ms).toISOString();

const working: Feed = {
  id: "1",
  url: "https://example.com/feed.xml",
  title: "Example",
  status: "working",
  last_checked_at: at(-12 * MINUTE),
  last_worked_at: at(-12 * MINUTE),
  next_check_at: at(18 * MINUTE),
  failures: 0,
  articles_added: 40,
  last_added: 3,
  last_rejected: 0,
  created_at: at(-HOUR),
};
const failing: Feed = {
  ...working,
  status: "failing",
  problem: "The server answered 503",
  last_worked_at: at(-30 * HOUR),
  next_check_at: at(80 * MINUTE),
  failures: 6,
};
const words = (feed: Feed): string => health(feed, NOW).words;

describe("how a feed is", () => {
  test("one that works says when it was collected, what was new, and when it is next", () => {
    expect(words(working)).toBe("Collected 12 minutes ago, 3 new. Next in 18 minutes.");
    expect(words({ ...working, last_added: 0, next_check_at: at(20_000) })).toBe(
      "Collected 12 minutes ago, nothing new. Next within a minute.",
    );
    expect(words({ ...working, last_rejected: 2 })).toContain("2 entries couldn't be taken.");
    expect(words({ ...working, last_rejected: 1 })).toContain("One entry couldn't be taken.");
  });

  test("one that fails says why, since when, and when it is tried again", () => {
    expect(words(failing)).toBe(
      "The server answered 503. It last worked 1 day ago. It failed 6 times in a row. Next try in 1 hour.",
    );
    expect(words({ ...failing, last_worked_at: null, failures: 1, problem: "No answer came." })).toBe(
      "No answer came. It has never worked. Next try in 1 hour.",
    );
  });

  test("one that stopped says what to do, one that waits that it waits", () => {
    expect(words({ ...failing, status: "stopped", next_check_at: null })).toContain(
      "collecting it now tries once",
    );
    const waiting: Feed = { ...working, status: "waiting", last_checked_at: null, last_worked_at: null };
    expect(words(waiting)).toBe("Not collected yet; that happens in 18 minutes.");
    expect(words({ ...waiting, next_check_at: null })).toBe("Not collected yet.");
  });

  test("each state has a mood of its own", () => {
    const moods = (["working", "failing", "stopped", "waiting"] as const).map(
      (status) => health({ ...failing, status }, NOW).mood,
    );
    expect(new Set(moods).size).toBe(4);
  });
});

test("what came of collecting it is said with its title", () => {
  expect(outcome(working)).toBe("“Example” is collected: 3 new.");
  expect(outcome(failing)).toBe("“Example” couldn't be collected. The server answered 503.");
});

test("beside the tab stands how many there are, and how many don't work", () => {
  expect(feedsInShort([])).toBe("");
  expect(feedsInShort([working, working])).toBe("2");
  expect(feedsInShort([working, failing, { ...failing, status: "stopped" }])).toBe("3, 2 failing");
});

test("an address is taken as people type it", () => {
  expect(feedAddress(" example.com/feed ")).toBe("https://example.com/feed");
  expect(feedAddress("http://example.com/feed")).toBe("http://example.com/feed");
  expect(feedAddress("feed://example.com/feed")).toBe("https://example.com/feed");
  expect(feedAddress("feed:https://example.com/feed")).toBe("https://example.com/feed");
  expect(feedAddress("  ")).toBe("");
});

test("the feeds that a refusal names can be followed; the refused address itself can't", () => {
  const sentence =
    "https://example.com is a web page. It names https://example.com/all.xml, https://example.com/two.xml (and https://example.com/all.xml).";
  expect(addressesIn(sentence, "https://example.com")).toEqual([
    "https://example.com/all.xml",
    "https://example.com/two.xml",
  ]);
  expect(addressesIn("It can't be reached.", "https://example.com")).toEqual([]);
});
