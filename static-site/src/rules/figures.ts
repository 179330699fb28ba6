/** Figures by day, for plots and tables: what a day's value is and how it is written. */
import { count, dollars, duration, number } from "./when";

/** A UTC day and what it comes to; null where there is nothing to measure. */
export interface DayValue {
  date: string;
  value: number | null;
}

const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const tenth = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const hundredth = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const dayMonth = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const weekday = new Intl.DateTimeFormat(undefined, {
  weekday: "short",
  day: "numeric",
  month: "short",
  timeZone: "UTC",
});

/** `21 Nov`, of a UTC date: the reader's own zone would make it another day. */
export const shortDay = (date: string): string => dayMonth.format(new Date(`${date}T00:00:00Z`));

/** `Sat 21 Nov`. */
export const longDay = (date: string): string => weekday.format(new Date(`${date}T00:00:00Z`));

/** `1.2M`. */
export const few = (amount: number): string => compact.format(amount);

/** `2.5`, `0.02`. */
export const decimal = (amount: number): string => (amount < 1 ? hundredth : tenth).format(amount);

/** `40 s`, `12 min`, `3.4 h`: for an axis, where there is little room. */
export function shortDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${tenth.format(ms / 1_000)} s`;
  if (ms < 3_600_000) return `${tenth.format(ms / 60_000)} min`;
  return `${tenth.format(ms / 3_600_000)} h`;
}

/** How amounts of a kind are written: in full, and on an axis. */
export interface Unit {
  full: (value: number) => string;
  axis: (value: number) => string;
}

export const COUNT: Unit = { full: number, axis: few };
export const TIME: Unit = { full: duration, axis: shortDuration };
export const MONEY: Unit = { full: dollars, axis: dollars };

/** `3 of 12 (25%)`-like shares: a whole percentage, `under 1%` rather than a false nought; none of nothing. */
export function percent(part: number, whole: number): string | undefined {
  if (whole <= 0) return undefined;
  const share = (100 * part) / whole;
  return share > 0 && share < 1 ? "under 1%" : `${Math.round(share)}%`;
}

export interface Bar {
  x: number;
  width: number;
  height: number;
}

/**
 * Bars of `values` side by side in a field of `width` by `height` pixels, on
 * whole pixels. What is more than nothing is at least one pixel high.
 */
export function bars(values: readonly (number | null)[], width: number, height: number): Bar[] {
  const most = Math.max(0, ...values.map((value) => value ?? 0));
  const step = width / values.length;
  const gap = step > 12 ? 3 : step > 2 ? 1 : 0;
  return values.map((value, at) => {
    const x = Math.round(at * step);
    const tall = most === 0 || !value ? 0 : Math.max(1, Math.round((value / most) * height));
    return { x, width: Math.max(1, Math.round((at + 1) * step) - x - gap), height: tall };
  });
}

/** What a plot shows, in a sentence, for those who don't see it. */
export function inWords(title: string, days: readonly DayValue[], unit: Unit): string {
  const known = days.filter((day): day is DayValue & { value: number } => day.value !== null);
  const most = known.reduce<(typeof known)[number] | undefined>(
    (best, day) => (day.value > (best?.value ?? 0) ? day : best),
    undefined,
  );
  const period = count(days.length, "day");
  if (!most) return `${title}: nothing in ${period}.`;
  const active = known.filter((day) => day.value > 0).length;
  return `${title} by day over ${period}: something on ${active}, most on ${longDay(most.date)} with ${unit.full(most.value)}.`;
}
