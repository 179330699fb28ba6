import { describe, expect, test } from "vitest";
import { chance } from "./chance";
import { type Choice, isConflict, merge, mergeValue, type Part, text } from "./merge";

const lines = (...all: string[]): string => all.join("\n");
const conflicts = (parts: Part[]) => parts.filter(isConflict);

test("changes in different places are both kept", () => {
  const base = lines("role", "", "focus", "", "style");
  const mine = lines("role", "", "focus on Europe", "", "style");
  const theirs = lines("Role:", "", "focus", "", "style", "sources");
  expect(text(merge(base, mine, theirs))).toBe(lines("Role:", "", "focus on Europe", "", "style", "sources"));
});

test("what one side removed is removed, and what the other added stays", () => {
  expect(text(merge(lines("a", "b", "c", "d"), lines("a", "c", "d"), lines("a", "b", "c", "x", "d")))).toBe(
    lines("a", "c", "x", "d"),
  );
});

test("the same change on both sides is no conflict", () => {
  expect(text(merge(lines("a", "b", "c"), lines("a", "B", "c"), lines("a", "B", "c", "d")))).toBe(
    lines("a", "B", "c", "d"),
  );
  expect(text(merge("a\nb", "b", "b\nc"))).toBe("b\nc");
});

test("where both changed a line a person chooses", () => {
  const parts = merge(lines("a", "b", "c"), lines("a", "mine", "c"), lines("a", "theirs", "c"));
  expect(parts).toEqual([
    { same: ["a"] },
    { mine: ["mine"], base: ["b"], theirs: ["theirs"] },
    { same: ["c"] },
  ]);
  expect(text(parts)).toBeNull();
  expect(text(parts, ["mine"])).toBe(lines("a", "mine", "c"));
  expect(text(parts, ["theirs"])).toBe(lines("a", "theirs", "c"));
  expect(text(parts, ["both"])).toBe(lines("a", "mine", "theirs", "c"));
});

test("lines changed on one side and removed on the other are a conflict", () => {
  const parts = merge(lines("a", "b", "c"), lines("a", "c"), lines("a", "B", "c"));
  expect(conflicts(parts)).toEqual([{ mine: [], base: ["b"], theirs: ["B"] }]);
  expect(text(parts, ["mine"])).toBe(lines("a", "c"));
});

test("two additions at the same place are a conflict: their order is a person's to choose", () => {
  const parts = merge(lines("a", "b"), lines("a", "mine", "b"), lines("a", "theirs", "b"));
  expect(conflicts(parts)).toEqual([{ mine: ["mine"], base: [], theirs: ["theirs"] }]);
});

test("each conflict has its own choice, in the text's order", () => {
  const parts = merge(lines("a", "", "b"), lines("a1", "", "b1"), lines("a2", "", "b2"));
  expect(text(parts, ["mine"])).toBeNull();
  expect(text(parts, [undefined, "mine"])).toBeNull();
  expect(text(parts, ["theirs", "mine"])).toBe(lines("a2", "", "b1"));
});

test("a text that was emptied stays empty where the other did nothing", () => {
  expect(text(merge("a\nb", "", "a\nb"))).toBe("");
  expect(text(merge("", "", "a"))).toBe("a");
});

test("a value that is taken whole is mine where I changed it", () => {
  expect(mergeValue("base", "mine", "theirs")).toBe("mine");
  expect(mergeValue("base", "base", "theirs")).toBe("theirs");
  expect(mergeValue("base", "mine", "base")).toBe("mine");
});

const SEED = 8_081_977;

/** A base with lines that repeat, and two edits of it whose new lines are known by their names. */
function histories(rounds: number, check: (texts: [string, string, string], about: string) => void): void {
  const { below, of } = chance(SEED);
  let named = 0;
  const edited = (base: string[], who: string): string[] => {
    let result = base;
    for (let edits = below(4); edits > 0; edits -= 1) {
      named += 1;
      result = result.toSpliced(
        below(result.length + 1),
        below(3),
        ...[`${who}${named}`, "", "x"].slice(0, below(4)),
      );
    }
    return result;
  };
  for (let round = 0; round < rounds; round += 1) {
    const base = Array.from({ length: below(12) }, (_, at) => of(["", "", "x", `base${at}`]));
    const texts: [string, string, string] = [
      base.join("\n"),
      edited(base, "mine").join("\n"),
      edited(base, "theirs").join("\n"),
    ];
    check(texts, JSON.stringify({ seed: SEED, round, texts }));
  }
}

describe(`whatever was edited (seed ${SEED})`, () => {
  test("with one side unchanged the other is the result", () => {
    histories(400, ([base, mine], about) => {
      expect(text(merge(base, mine, base)), about).toBe(mine);
      expect(text(merge(base, base, mine)), about).toBe(mine);
      expect(text(merge(base, mine, mine)), about).toBe(mine);
    });
  });

  test("taking one side everywhere never gives the other's words for it", () => {
    histories(400, ([base, mine, theirs], about) => {
      const parts = merge(base, mine, theirs);
      const all = (choice: Choice): string | null =>
        text(
          parts,
          conflicts(parts).map(() => choice),
        );
      const words = (from: string | null): Set<string> => new Set(from?.split("\n"));
      for (const line of words(mine)) {
        if (line.startsWith("mine")) expect(words(all("mine")).has(line), about).toBe(true);
      }
      for (const line of words(theirs)) {
        if (line.startsWith("theirs")) expect(words(all("theirs")).has(line), about).toBe(true);
      }
    });
  });

  test("no line disappears that neither side removed", () => {
    histories(600, ([base, mine, theirs], about) => {
      const parts = merge(base, mine, theirs);
      const both =
        text(
          parts,
          conflicts(parts).map((): Choice => "both"),
        )?.split("\n") ?? [];
      const [old, left, right] = [base, mine, theirs].map((one) => one.split("\n")) as [
        string[],
        string[],
        string[],
      ];
      for (const line of new Set([...left, ...right])) {
        if (line.startsWith("mine") || line.startsWith("theirs")) expect(both, about).toContain(line);
        if (line.startsWith("base") && left.includes(line) && right.includes(line)) {
          expect(both, about).toContain(line);
        }
      }
      // Of lines that repeat, as many are left as both sides left of them.
      for (const line of ["", "x"]) {
        const count = (list: string[]): number => list.filter((each) => each === line).length;
        const removed = (side: string[]): number => Math.max(0, count(old) - count(side));
        expect(count(both), about).toBeGreaterThanOrEqual(count(old) - removed(left) - removed(right));
      }
    });
  });

  test("the parts of either side put together are that side's text where it was changed", () => {
    histories(400, ([base, mine, theirs], about) => {
      for (const part of conflicts(merge(base, mine, theirs))) {
        expect(part.mine.join("\n") === part.theirs.join("\n"), about).toBe(false);
        for (const [side, whole] of [
          [part.mine, mine],
          [part.base, base],
          [part.theirs, theirs],
        ] as const) {
          expect(`\n${whole}\n`.includes(side.length === 0 ? "\n" : `\n${side.join("\n")}\n`), about).toBe(
            true,
          );
        }
      }
    });
  });
});

test("texts of the greatest size are merged before a person notices", () => {
  const many = (count: number, line: (at: number) => string): string =>
    Array.from({ length: count }, (_, at) => line(at)).join("\n");
  const base = `A${"\n".repeat(5_000)}B`;
  const mine = many(5_000, (at) => (at % 3 ? "" : `x${at}`));
  const theirs = many(5_000, (at) => (at % 4 ? "" : `y${at}`));
  const begun = performance.now();
  const parts = merge(base, mine, theirs);
  expect(performance.now() - begun).toBeLessThan(1_000);
  expect(
    text(
      parts,
      conflicts(parts).map((): Choice => "mine"),
    ),
  ).toContain("x4998");
});

test("a text of nothing but line breaks is put together whole", () => {
  const base = "\n".repeat(99_000);
  expect(text(merge(base, `mine${base}`, `${base}theirs`))).toBe(`mine${base}theirs`);
});
