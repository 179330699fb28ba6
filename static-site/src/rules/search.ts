/** What a search of a topic asks for, as it stands in the page's address, and why something was found. */
import { ordinal } from "./when";

export interface Asked {
  query: string;
  category: string;
  sentiment: string;
  source: string;
  /** Of the last so many days; 0 for all. */
  days: number;
  limit: number;
}

export const LIMITS = [10, 20, 50, 100, 200];
const LIMIT = 20;
/** The periods to choose from; an address may have any other. */
export const PERIODS = [7, 30, 90, 365];
const DAYS_MAX = 36_500;

/** The filters that take one of the values that articles have. */
export const FILTERS = ["category", "sentiment", "source"] as const;
export type Filter = (typeof FILTERS)[number];

export function readAsked(address: URLSearchParams): Asked {
  const text = (name: string): string => address.get(name)?.trim() ?? "";
  const days = Number(text("days"));
  const limit = Number(text("limit"));
  return {
    query: text("query"),
    category: text("category"),
    sentiment: text("sentiment"),
    source: text("source"),
    days: Number.isInteger(days) && days >= 1 && days <= DAYS_MAX ? days : 0,
    limit: LIMITS.includes(limit) ? limit : LIMIT,
  };
}

/** The address of a search, without what is usual. */
export function writeAsked(asked: Asked): URLSearchParams {
  const address = new URLSearchParams();
  if (asked.query.trim() !== "") address.set("query", asked.query.trim());
  for (const filter of FILTERS) if (asked[filter] !== "") address.set(filter, asked[filter]);
  if (asked.days > 0) address.set("days", String(asked.days));
  if (asked.limit !== LIMIT) address.set("limit", String(asked.limit));
  return address;
}

export const isFiltered = (asked: Asked): boolean =>
  asked.days > 0 || FILTERS.some((filter) => asked[filter] !== "");

/** Why an article was found, as far as the server says. */
interface Ranks {
  matched_words: readonly string[];
  words_rank?: number | null | undefined;
  meaning_rank?: number | null | undefined;
}

/**
 * `3rd by words (survey, adoption), 1st by meaning`. `byMeaning` tells whether
 * meaning was searched at all. Empty for what was listed, not searched for.
 */
export function why(found: Ranks, byMeaning: boolean): string {
  const { matched_words: words, words_rank, meaning_rank } = found;
  const which = words.length === 0 ? "" : ` (${words.join(", ")})`;
  if (words_rank && meaning_rank)
    return `${ordinal(words_rank)} by words${which}, ${ordinal(meaning_rank)} by meaning`;
  if (words_rank)
    return byMeaning
      ? `Found by words alone, as the ${ordinal(words_rank)}${which}`
      : `${ordinal(words_rank)} by words${which}`;
  return meaning_rank ? `Found by meaning alone, as the ${ordinal(meaning_rank)}` : "";
}
