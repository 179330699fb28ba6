import { describe, expect, test } from "vitest";
import { ago, agoInSentence, count, dollars, duration, ordinal, soon, time, until } from "./when";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.parse("2026-05-03T12:00:00Z");

describe("how long ago", () => {
  const past = (ms: number): string => ago(NOW - ms, NOW);

  test("is worded by minutes, hours and days", () => {
    expect(past(59 * SECOND)).toBe("just now");
    expect(past(MINUTE)).toBe("1 minute ago");
    expect(past(59 * MINUTE)).toBe("59 minutes ago");
    expect(past(HOUR)).toBe("1 hour ago");
    expect(past(11.9 * HOUR)).toBe("11 hours ago");
    expect(past(DAY)).toBe("1 day ago");
    expect(past(13 * DAY)).toBe("13 days ago");
  });

  test("is a time within the day and a date after two weeks", () => {
    expect(past(13 * HOUR)).toBe(time(NOW - 13 * HOUR));
    expect(past(20 * DAY)).toMatch(/13/);
    expect(past(20 * DAY)).not.toMatch(/2026|ago/);
    expect(past(400 * DAY)).toMatch(/2025/);
  });

  test("a clock that is a little ahead says nothing odd", () => {
    expect(past(-30 * SECOND)).toBe("just now");
  });

  test("times are read as the server writes them", () => {
    expect(ago("2026-05-03T11:55:00.000Z", NOW)).toBe("5 minutes ago");
  });
});

describe("how long until", () => {
  const left = (ms: number): string => until(NOW + ms, NOW);

  test("is worded by hours, then days", () => {
    expect(left(30 * DAY)).toBe("in 30 days");
    expect(left(29.9 * DAY)).toBe("in 30 days");
    expect(left(2 * DAY)).toBe("in 2 days");
    expect(left(47 * HOUR)).toBe("in 47 hours");
    expect(left(HOUR)).toBe("in 1 hour");
    expect(left(59 * MINUTE)).toBe("within the hour");
  });

  test("is now when it is past", () => {
    expect(left(0)).toBe("now");
    expect(left(-DAY)).toBe("now");
  });
});

test("in a sentence a time stands with its preposition", () => {
  const past = (ms: number): string => agoInSentence(NOW - ms, NOW);
  expect(past(5 * MINUTE)).toBe("5 minutes ago");
  expect(past(13 * HOUR)).toBe(`at ${time(NOW - 13 * HOUR)}`);
  expect(past(3 * DAY)).toBe("3 days ago");
  expect(past(20 * DAY)).toMatch(/^on .*13/);
});

test("what happens soon is told by the minute", () => {
  const left = (ms: number): string => soon(NOW + ms, NOW);
  expect(left(-HOUR)).toBe("within a minute");
  expect(left(89 * SECOND)).toBe("within a minute");
  expect(left(91 * SECOND)).toBe("in 2 minutes");
  expect(left(59 * MINUTE)).toBe("in 59 minutes");
  expect(left(60 * MINUTE)).toBe("in 1 hour");
});

test("places have their endings", () => {
  expect([1, 2, 3, 4, 11, 12, 13, 21, 102].map(ordinal)).toEqual(
    "1st 2nd 3rd 4th 11th 12th 13th 21st 102nd".split(" "),
  );
});

test("one of a thing is singular", () => {
  expect(count(1, "test")).toBe("1 test");
  expect(count(0, "test")).toBe("0 tests");
  expect(count(3, "minute", "ago")).toBe("3 minutes ago");
});

test("durations never show sixty of anything", () => {
  expect(duration(840)).toBe("840 ms");
  expect(duration(12_400)).toBe("12.4 s");
  expect(duration(200_000)).toBe("3 min 20 s");
  expect(duration(3_600_000)).toBe("1 h 0 min");
  for (const ms of [999.7, 59_960, 3_599_700, 7_199_000]) {
    expect(duration(ms), String(ms)).not.toMatch(/^1000 ms|60(\.0)? (s|min)/);
  }
});

test("money is shown as exactly as its smallness asks", () => {
  expect([0, 2_100, 1_200_000, 12].map(dollars)).toEqual(["$0", "$0.0021", "$1.20", "$0.000012"]);
});
