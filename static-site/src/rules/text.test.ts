import { expect, test } from "vitest";
import { length, nameProblem, oneLine, PROMPT_NAME, promptName, tokens, withoutControls } from "./text";

test("characters are counted as the server counts them", () => {
  expect(length("")).toBe(0);
  expect(length("Zürich")).toBe(6);
  expect(length("🧭")).toBe(1);
  expect(length("\u{10ffff}")).toBe(1);
  expect(length("a🧭b👩‍🔬")).toBe(6);
  expect(length("e\u0301")).toBe(2);
});

test("a hundred thousand symbols outside the first plane still fit a draft", () => {
  expect(length("🧭".repeat(100_000))).toBe(100_000);
});

test("tokens are about a fourth of the bytes", () => {
  expect(tokens("")).toBe(0);
  expect(tokens("word")).toBe(1);
  expect(tokens("words")).toBe(2);
  expect(tokens("日本語文")).toBe(3);
  expect(tokens("🧭")).toBe(1);
});

test("control characters go; line breaks and tabs stay", () => {
  expect(withoutControls("a\u0000b\u0007c\u001bd\u007fe\u0085f\u009fg")).toBe("abcdefg");
  expect(withoutControls("a\tb\nc\r\nd")).toBe("a\tb\nc\r\nd");
  expect(withoutControls("Zürich – 日本 🧭\u00a0\u200d")).toBe("Zürich – 日本 🧭\u00a0\u200d");
});

test("a name is one line", () => {
  expect(oneLine("Weekly\r\n\tbrief\u0000")).toBe("Weekly brief");
});

test("a title proposes a library name", () => {
  expect(promptName("Weekly brief: AI")).toBe("weekly_brief_ai");
  expect(promptName("  Über-Überblick (2026)! ")).toBe("uber_uberblick_2026");
  expect(promptName("日本")).toBe("");
});

test("a proposed name is a valid one when it is long enough, however long the title", () => {
  for (const title of ["x".repeat(80), `${"a".repeat(49)} bcd`, `${"word ".repeat(20)}`, "abc"]) {
    expect(promptName(title)).toMatch(PROMPT_NAME);
  }
});

test("what is wrong with a name is said, and nothing of a right one", () => {
  expect(nameProblem("ab")).toContain("At least 3");
  expect(nameProblem("a".repeat(51))).toContain("At most 50");
  for (const name of ["Weekly", "weekly-brief", "weekly brief", "wöchentlich", "abc\n"]) {
    expect(nameProblem(name), name).toContain("Only a–z, 0–9 and _");
  }
  for (const name of ["abc", "a".repeat(50), "___", "brief_2"]) expect(nameProblem(name), name).toBeNull();
});
