import { describe, expect, test } from "vitest";
import { chance } from "./chance";
import { applied, type Hunk, hunks, size, words } from "./diff";

const lines = (...all: string[]): string => all.join("\n");

/** `text` with all of `found` applied, from the last to the first so that line numbers stay right. */
const all = (text: string, found: Hunk[]): string => found.toReversed().reduce(applied, text);

test("an edit is one hunk, at its line", () => {
  expect(hunks(lines("a", "b", "c"), lines("a", "B", "B2", "c"))).toEqual([
    { before: { start: 1, lines: ["b"] }, after: { start: 1, lines: ["B", "B2"] } },
  ]);
});

test("a removed and an added line keep their places on each side", () => {
  const found = hunks(lines("a", "b", "c", "d"), lines("b", "c", "x", "d"));
  expect(found).toEqual([
    { before: { start: 0, lines: ["a"] }, after: { start: 0, lines: [] } },
    { before: { start: 3, lines: [] }, after: { start: 2, lines: ["x"] } },
  ]);
  expect(size(found)).toEqual({ added: 1, removed: 1 });
});

test("the same text has no hunks", () => {
  expect(hunks("", "")).toEqual([]);
  expect(hunks("a\n\n", "a\n\n")).toEqual([]);
});

test("a line break at the end is a difference", () => {
  expect(all("a", hunks("a", "a\n"))).toBe("a\n");
  expect(hunks("a", "a\n")).toHaveLength(1);
});

test("a text is written into an empty one and taken out of it", () => {
  expect(all("", hunks("", "a\nb"))).toBe("a\nb");
  expect(all("a\nb", hunks("a\nb", ""))).toBe("");
});

test("no more lines are marked than were changed", () => {
  const before = Array.from({ length: 200 }, (_, at) => (at % 3 === 0 ? "" : `line ${at % 20}`));
  const after = before.toSpliced(150, 2).toSpliced(50, 0, "new", "");
  expect(size(hunks(before.join("\n"), after.join("\n")))).toEqual({ added: 2, removed: 2 });
});

test("one change can be made without the others", () => {
  const [before, after] = [lines("a", "b", "c", "d"), lines("A", "b", "c", "D")];
  const [first, second] = hunks(before, after);
  expect(first && applied(before, first)).toBe(lines("A", "b", "c", "d"));
  expect(second && applied(before, second)).toBe(lines("a", "b", "c", "D"));
});

describe("words", () => {
  const only = (before: string, after: string) => words(hunks(before, after)[0] as Hunk);

  test("the changed ones of a line are marked", () => {
    const found = only("Write a short brief.", "Write a long brief.");
    expect(found?.before.filter((span) => span.changed)).toEqual([{ text: "short", changed: true }]);
    expect(found?.after.filter((span) => span.changed)).toEqual([{ text: "long", changed: true }]);
  });

  test("nothing of either line is lost by marking", () => {
    const [before, after] = ["Zürich, 3 °C – cold\n\tnext line", "Zürich, 30 °C – hot\n\tnext lines"];
    const found = only(before, after);
    expect(found?.before.map((span) => span.text).join("")).toBe(before);
    expect(found?.after.map((span) => span.text).join("")).toBe(after);
  });

  test("nothing is marked where little stayed, or where one side is empty", () => {
    expect(only("alpha beta gamma", "one two three four")).toBeNull();
    expect(only("a", "a\nb")).toBeNull();
  });
});

const SEED = 20_260_503;

test(`every hunk applied gives the other text, whatever the texts (seed ${SEED})`, () => {
  const { below, of } = chance(SEED);
  const text = (): string =>
    Array.from({ length: below(14) }, () => of(["", "", "a", "b", "c", "constructor", "__proto__"])).join(
      "\n",
    );
  for (let round = 0; round < 1_500; round += 1) {
    const [before, after] = [text(), text()];
    const found = hunks(before, after);
    expect(all(before, found), JSON.stringify({ round, before, after })).toBe(after);
    // Two changes that touch would be one.
    for (const [at, hunk] of found.entries()) {
      const last = found[at - 1];
      if (last) expect(hunk.before.start).toBeGreaterThan(last.before.start + last.before.lines.length);
    }
  }
});

describe("texts of the greatest size", () => {
  /** Far above what it takes, far below what a person waits for. */
  const PATIENCE_MS = 1_000;

  const many = (count: number, line: (at: number) => string): string =>
    Array.from({ length: count }, (_, at) => line(at)).join("\n");

  const cases: [what: string, before: string, after: string][] = [
    ["blank lines and others", `A${"\n".repeat(5_000)}B`, many(5_000, (at) => (at % 3 ? "" : `x${at}`))],
    ["nothing in common", many(2_000, (at) => `old ${at}`), many(2_000, (at) => `new ${at}`)],
    [
      "paragraphs in another order",
      many(4_000, (at) => (at % 2 ? "" : `p${at}`)),
      many(4_000, (at) => (at % 2 ? "" : `p${(at * 7) % 4_000}`)),
    ],
    ["100,000 line breaks and fewer", `A${"\n".repeat(99_990)}B`, `C${"\n".repeat(97_000)}D`],
    [
      "two letters in two patterns",
      many(50_000, (at) => "ab".charAt(((at * at) >> 3) & 1)),
      many(50_000, (at) => "ab".charAt(((at * 7) >> 4) & 1)),
    ],
  ];

  for (const [what, before, after] of cases) {
    test(what, () => {
      const begun = performance.now();
      const found = hunks(before, after);
      expect(performance.now() - begun).toBeLessThan(PATIENCE_MS);
      expect(all(before, found) === after).toBe(true);
    });
  }

  test("two thousand words a side", () => {
    const begun = performance.now();
    words({
      before: { start: 0, lines: [`${"a b ".repeat(499)}x`] },
      after: { start: 0, lines: [`y ${"b a ".repeat(498)}`] },
    });
    expect(performance.now() - begun).toBeLessThan(PATIENCE_MS);
  });

  test("a paragraph that was rewritten far from another doesn't unsettle the rest", () => {
    const kept = Array.from({ length: 1_500 }, (_, at) => `kept ${at}`);
    const rewritten = (word: string): string[] => Array.from({ length: 700 }, (_, at) => `${word} ${at}`);
    const before = [...kept.slice(0, 10), ...rewritten("a"), ...kept.slice(10), ...rewritten("b"), "end"];
    const after = [...kept.slice(0, 10), ...rewritten("c"), ...kept.slice(10), ...rewritten("d"), "end"];
    expect(size(hunks(before.join("\n"), after.join("\n")))).toEqual({ added: 1_400, removed: 1_400 });
  });
});
