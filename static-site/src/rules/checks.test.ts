import { expect, test } from "vitest";
import type { Checks } from "../server";
import { figuresOf, findings, inOrder } from "./checks";

const clean: Checks = {
  words: 412,
  citations: 7,
  articles_cited: 4,
  articles_given: 12,
  sources_cited: 3,
  invented: [],
  invented_total: 0,
  uncited_numbers: [],
  uncited_numbers_total: 0,
  structure: [{ asked: "three bullet points", found: true }],
};

test("the figures are one line", () => {
  expect(figuresOf(clean)).toBe("412 words, 7 citations, 4 of 12 given articles cited, 3 outlets");
  expect(figuresOf({ ...clean, citations: 0, articles_cited: 0, sources_cited: 0 })).toBe(
    "412 words; none of 12 articles given is cited",
  );
  expect(figuresOf({ ...clean, articles_given: 0 })).toBe("412 words; no article was given to the model");
});

test("an answer with nothing wrong has nothing to look at", () => {
  expect(findings(clean)).toEqual([]);
  expect(inOrder(clean)).toBe(
    "Every link leads to an article that was given. No claim with a number lacks a citation. Asked for and found: three bullet points.",
  );
});

test("each thing to look at is named, and those that are not listed are counted", () => {
  const found = findings({
    ...clean,
    invented: [{ text: "a report", url: "https://example.com/report" }],
    invented_total: 1,
    uncited_numbers: ["Of them, 63 per cent agree.", "It cost 12 million."],
    uncited_numbers_total: 5,
    structure: [
      { asked: "three bullet points", found: true },
      { asked: "a table", found: false },
    ],
  });
  expect(found.map(({ is, what, more }) => [is, what, more])).toEqual([
    ["invented", "1 link to no article that was given", 0],
    ["uncited", "5 claims with a number and no citation", 3],
    ["missing", "Asked for and not found", 0],
  ]);
  expect(found[2]?.places).toEqual([{ text: "a table" }]);
});

test("without a citation nothing is said to be in order about citations", () => {
  expect(inOrder({ ...clean, citations: 0, structure: [] })).toBe("");
});
