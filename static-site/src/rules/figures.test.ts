import { expect, test } from "vitest";
import { bars, COUNT, type DayValue, inWords, percent, shortDay, shortDuration } from "./figures";

test("bars stand on whole pixels, side by side, within the field", () => {
  const found = bars([1, 2, 4, 0], 100, 40);
  expect(found.map((bar) => bar.height)).toEqual([10, 20, 40, 0]);
  expect(found.map((bar) => bar.x)).toEqual([0, 25, 50, 75]);
  const narrow = bars(Array(90).fill(1), 281, 40);
  expect(narrow.every((bar) => Number.isInteger(bar.x) && bar.width >= 1)).toBe(true);
  const last = narrow.at(-1);
  expect(last && last.x + last.width).toBeLessThanOrEqual(281);
});

test("a little beside a lot is still seen", () => {
  expect(bars([1, 10_000], 10, 40).map((bar) => bar.height)).toEqual([1, 40]);
});

test("nothing at all has no bars", () => {
  expect(bars([0, null], 10, 40).map((bar) => bar.height)).toEqual([0, 0]);
});

test("a UTC date is that day everywhere", () => {
  expect(shortDay("2026-11-01")).toMatch(/\b1\b/);
});

test("shares of nothing are not said", () => {
  expect(percent(1, 0)).toBeUndefined();
  expect([percent(1, 4), percent(1, 1_000), percent(0, 9)]).toEqual(["25%", "under 1%", "0%"]);
});

test("times on an axis are short", () => {
  expect([840, 12_400, 740_000, 12_240_000].map(shortDuration)).toEqual([
    "840 ms",
    "12.4 s",
    "12.3 min",
    "3.4 h",
  ]);
});

test("a plot can be read out", () => {
  const days: DayValue[] = [
    { date: "2026-11-20", value: 0 },
    { date: "2026-11-21", value: 3 },
    { date: "2026-11-22", value: null },
  ];
  expect(inWords("Tests", days, COUNT)).toMatch(
    /Tests by day over 3 days: something on 1, most on .*21.* with 3\./,
  );
  expect(inWords("Tests", [{ date: "2026-11-20", value: 0 }], COUNT)).toBe("Tests: nothing in 1 day.");
});
