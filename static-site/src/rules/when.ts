/** Times and amounts, worded for people. All of it takes `now`, in milliseconds. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const dayOfYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const plain = new Intl.NumberFormat();

/** `14:02`. */
export const time = (at: number): string => clock.format(at);

/** In full, for titles. */
export const exact = (at: string | number): string => whole.format(new Date(at));

/** `3 May 2026`. */
export const date = (at: string | number): string => dayOfYear.format(new Date(at));

/** `just now`, `5 minutes ago`, `yesterday`, `3 May`. */
export function ago(at: string | number, now: number): string {
  const then = new Date(at).getTime();
  const past = now - then;
  if (past < MINUTE) return "just now";
  if (past < HOUR) return count(Math.floor(past / MINUTE), "minute", "ago");
  if (past < 12 * HOUR) return count(Math.floor(past / HOUR), "hour", "ago");
  const days = Math.floor(past / DAY);
  if (days < 1) return clock.format(then);
  if (days < 14) return count(days, "day", "ago");
  return past < 300 * DAY ? day.format(then) : dayOfYear.format(then);
}

/** As `ago`, to stand in a sentence: `5 minutes ago`, `at 14:02`, `on 3 May`. */
export function agoInSentence(at: string | number, now: number): string {
  const words = ago(at, now);
  const past = now - new Date(at).getTime();
  if (past < 12 * HOUR) return words;
  if (past < DAY) return `at ${words}`;
  return past < 14 * DAY ? words : `on ${words}`;
}

/** `within a minute`, `in 12 minutes`, `in 5 hours`: for what happens by itself. */
export function soon(at: string | number, now: number): string {
  const left = new Date(at).getTime() - now;
  if (left < 1.5 * MINUTE) return "within a minute";
  return left < 59.5 * MINUTE ? `in ${count(Math.round(left / MINUTE), "minute")}` : until(at, now);
}

/** `in 30 days`, `in 5 hours`; `now` when it is past. */
export function until(at: string | number, now: number): string {
  const left = new Date(at).getTime() - now;
  if (left <= 0) return "now";
  if (left < HOUR) return "within the hour";
  if (left < 2 * DAY) return `in ${count(Math.round(left / HOUR), "hour")}`;
  return `in ${count(Math.round(left / DAY), "day")}`;
}

/** Days left until `at`; negative when past. */
export const daysUntil = (at: string | number, now: number): number => (new Date(at).getTime() - now) / DAY;

/** `1 test`, `3 tests`; a `rest` follows. */
export function count(amount: number, noun: string, rest = ""): string {
  const tail = rest === "" ? "" : ` ${rest}`;
  return `${plain.format(amount)} ${noun}${amount === 1 ? "" : "s"}${tail}`;
}

export const number = (amount: number): string => plain.format(amount);

const SUFFIXES: Record<string, string> = { one: "st", two: "nd", few: "rd", other: "th" };
const ordinals = new Intl.PluralRules("en", { type: "ordinal" });

/** `1st`, `2nd`, `13th`. */
export const ordinal = (place: number): string => `${plain.format(place)}${SUFFIXES[ordinals.select(place)]}`;

/** `840 ms`, `12.4 s`, `3 min 20 s`. */
export function duration(ms: number): string {
  // The bounds are where rounding begins to give the next unit.
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** US dollars out of millionths: `$0`, `$0.0021`, `$1.20`. */
export function dollars(micros: number): string {
  if (micros === 0) return "$0";
  const amount = micros / 1_000_000;
  if (amount < 0.01) return `$${amount.toPrecision(2)}`;
  return `$${amount.toFixed(2)}`;
}
