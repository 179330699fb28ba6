import { expect, test } from "vitest";
import { marked } from "./marking";

const words = (text: string, ...wanted: string[]): string[] =>
  marked(text, wanted)
    .filter((span) => span.isMarked)
    .map((span) => span.text);

test("the forms of a word are marked, and nothing else", () => {
  expect(words("Surveys: a survey of surveyors, surveyed.", "survey")).toEqual([
    "Surveys",
    "survey",
    "surveyed",
  ]);
  expect(words("Prices, priced and pricing of a price", "price")).toEqual([
    "Prices",
    "priced",
    "pricing",
    "price",
  ]);
  expect(words("Policies, a policy; planned plans", "policies", "plan")).toEqual([
    "Policies",
    "policy",
    "planned",
    "plans",
  ]);
  expect(words("AI, air, paid", "ai")).toEqual(["AI"]);
});

test("nothing of the text is lost or changed", () => {
  const text = "“<b>AI</b>” adoption — rates: 23 %, naïve Cafés";
  expect(
    marked(text, ["adoption", "rates", "23", "cafés"])
      .map((span) => span.text)
      .join(""),
  ).toBe(text);
  expect(marked(text, [])).toEqual([{ text, isMarked: false }]);
  expect(marked("", ["a"])).toEqual([]);
});

test("words of other scripts, and with accents, are found", () => {
  expect(words("In Zürich und Genf", "zürich")).toEqual(["Zürich"]);
  expect(words("In Zu\u0308rich", "zürich")).toEqual(["Zu\u0308rich"]);
  expect(words("Исследование показало", "исследование")).toEqual(["Исследование"]);
  expect(words("AI調査の結果", "調")).toEqual(["調"]);
});
