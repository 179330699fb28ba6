/** Names of topics, and where their pages are. */

import { count, date } from "./when";

export const TOPIC_MAX = 100;

/** Can't be seen, and chooses no neighbour's looks either, as what joins letters or emoji does. */
const HIDDEN = /(?!\u200c|\u200d|[\ufe00-\ufe0f])\p{Default_Ignorable_Code_Point}/gu;

/** As the server keeps it: in one form of Unicode, nothing that can't be seen, one space where there were several. */
export const topicName = (typed: string): string =>
  typed.replace(HIDDEN, "").normalize("NFKC").replace(HIDDEN, "").trim().replace(/\s+/g, " ");

/** Topics are the same when they differ only in case and spacing. */
export const sameTopic = (one: string, other: string): boolean =>
  topicName(one).toLowerCase() === topicName(other).toLowerCase();

/**
 * A topic's page. A name with a dot gets a slash behind it: without one the
 * address would name a file, and a reload would not find it.
 */
export function topicPath(name: string, query = ""): string {
  const slash = name.includes(".") ? "/" : "";
  return `/topics/${encodeURIComponent(name)}${slash}${query === "" ? "" : `?${query}`}`;
}

/** A topic's name out of a file's: `ai_adoption-2026.csv` gives `ai adoption 2026`. */
export const topicOfFile = (file: string): string =>
  topicName(file.replace(/\.[^.]+$/, "").replace(/[_\-.]+/g, " ")).slice(0, TOPIC_MAX);

/** `24 Aug 2026 to 21 Nov 2026`. */
export function publishedSpan({
  oldest,
  newest,
}: {
  oldest?: string | null;
  newest?: string | null;
}): string {
  if (!oldest || !newest) return "";
  const [first, last] = [date(oldest), date(newest)];
  return first === last ? first : `${first} to ${last}`;
}

/** What goes with a topic that has so many articles and follows so many feeds, where that is known. */
export function whatGoes(articles: number, feeds: number | undefined): string {
  const its = (amount: number, noun: string): string =>
    amount === 1 ? `its one ${noun}` : `its ${count(amount, noun)}`;
  const what = ["The topic"];
  if (articles > 0) what.push(its(articles, "article"));
  if (feeds === undefined) what.push("the feeds it follows");
  else if (feeds > 0) what.push(its(feeds, "feed"));
  const last = what.length > 1 ? ` and ${what.pop()}` : "";
  const verb = last === "" ? "goes" : "go";
  return `${what.join(", ")}${last} ${verb}, for everyone, and can't be brought back.`;
}

/** A link to an article, or none: only the web's own addresses are followed. */
export function webAddress(text: string): { href: string; host: string } | undefined {
  try {
    const url = new URL(text);
    const isWeb = url.protocol === "http:" || url.protocol === "https:";
    return isWeb ? { href: url.href, host: url.host } : undefined;
  } catch {
    return undefined;
  }
}

/** `840 KB`, `1.4 MB`. */
export function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  if (bytes < 999_500) return `${Math.round(bytes / 1_000)} KB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
