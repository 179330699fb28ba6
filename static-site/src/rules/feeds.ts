/** How a feed is, in words, and what may be typed as its address. */
import type { Feed } from "../server";
import { agoInSentence, number, soon } from "./when";

export interface Health {
  mood: "good" | "busy" | "warn" | "bad";
  state: string;
  words: string;
}

/** Where a feed stands: what last came of it, and what happens next. */
export function health(feed: Feed, now: number): Health {
  const next = feed.next_check_at ? soon(feed.next_check_at, now) : "";
  switch (feed.status) {
    case "waiting":
      return {
        mood: "busy",
        state: "Waiting",
        words: next === "" ? "Not collected yet." : `Not collected yet; that happens ${next}.`,
      };
    case "working":
      return {
        mood: "good",
        state: "Working",
        words: `${collected(feed, now)}${next === "" ? "" : ` Next ${next}.`}`,
      };
    case "failing":
      return {
        mood: "bad",
        state: "Failing",
        words: [stopped(feed.problem), lastWorked(feed, now), next === "" ? "" : `Next try ${next}.`].join(
          " ",
        ),
      };
    case "stopped":
      return {
        mood: "warn",
        state: "Stopped",
        words: `${stopped(feed.problem)} ${lastWorked(feed, now)} It isn't tried any more by itself; collecting it now tries once.`,
      };
  }
}

function collected(feed: Feed, now: number): string {
  const when = feed.last_worked_at ?? feed.last_checked_at;
  const left = feed.last_rejected === 0 ? "" : ` ${entries(feed.last_rejected)} couldn't be taken.`;
  return `Collected${when ? ` ${agoInSentence(when, now)}` : ""}, ${news(feed.last_added)}.${left}`;
}

const entries = (amount: number): string => (amount === 1 ? "One entry" : `${number(amount)} entries`);

const news = (added: number): string => (added === 0 ? "nothing new" : `${number(added)} new`);

function lastWorked(feed: Feed, now: number): string {
  const since = feed.failures > 1 ? ` It failed ${number(feed.failures)} times in a row.` : "";
  if (!feed.last_worked_at) return `It has never worked.${since}`;
  return `It last worked ${agoInSentence(feed.last_worked_at, now)}.${since}`;
}

/** The problem as a sentence that others can follow. */
function stopped(problem: string | null | undefined): string {
  const text = problem?.trim() ?? "";
  if (text === "") return "It couldn't be collected.";
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** What came of collecting it just now, said in passing. */
export function outcome(feed: Feed): string {
  if (feed.status === "failing" || feed.status === "stopped")
    return `“${feed.title}” couldn't be collected. ${stopped(feed.problem)}`;
  return `“${feed.title}” is collected: ${news(feed.last_added)}.`;
}

/** How many there are and how many of them don't work: `3`, `3, 1 failing`. */
export function feedsInShort(feeds: readonly Feed[]): string {
  const failing = feeds.filter((feed) => feed.status === "failing" || feed.status === "stopped").length;
  if (feeds.length === 0) return "";
  return failing === 0 ? number(feeds.length) : `${number(feeds.length)}, ${number(failing)} failing`;
}

/** What was typed as an address: people leave `https://` out, and some sites write `feed:`. */
export function feedAddress(typed: string): string {
  const text = typed
    .trim()
    .replace(/^feed:(?:\/\/)?(?=https?:)/i, "")
    .replace(/^feed:\/\//i, "https://");
  return text === "" || /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
}

/** The addresses that a refusal names, for instance the feeds of a page that isn't one. */
export function addressesIn(sentence: string, typed: string): string[] {
  const found = Array.from(sentence.matchAll(/https?:\/\/[^\s“”"'<>]+/g), ([text]) =>
    text.replace(/[.,;:)\]]+$/, ""),
  );
  return [...new Set(found)].filter((address) => address !== typed);
}
