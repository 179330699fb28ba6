import { expect, test } from "vitest";
import { sameTopic, size, topicName, topicOfFile, topicPath, webAddress, whatGoes } from "./topics";

test("spaces and capitals don't make another topic", () => {
  expect(topicName("  AI \t Adoption ")).toBe("AI Adoption");
  expect(sameTopic("ai  adoption", "AI Adoption")).toBe(true);
  expect(sameTopic("AI", "AI Adoption")).toBe(false);
});

test("a topic's address survives a reload, whatever its name", () => {
  expect(topicPath("AI Adoption")).toBe("/topics/AI%20Adoption");
  expect(topicPath("a/b?c")).toBe("/topics/a%2Fb%3Fc");
  expect(topicPath("Web 3.0", "days=7")).toBe("/topics/Web%203.0/?days=7");
});

test("a file's name proposes a topic's", () => {
  expect(topicOfFile("ai_adoption-2026.csv")).toBe("ai adoption 2026");
});

test("a deletion says how much goes", () => {
  expect(whatGoes(61, 2)).toBe(
    "The topic, its 61 articles and its 2 feeds go, for everyone, and can't be brought back.",
  );
  expect(whatGoes(1_204, 0)).toMatch(/^The topic and its 1,204 articles go, /);
  expect(whatGoes(1, 1)).toMatch(/^The topic, its one article and its one feed go, /);
  expect(whatGoes(0, 0)).toMatch(/^The topic goes, /);
  expect(whatGoes(3, undefined)).toMatch(/^The topic, its 3 articles and the feeds it follows go, /);
});

test("only addresses of the web become links", () => {
  expect(webAddress("https://example.com/a b")).toEqual({
    href: "https://example.com/a%20b",
    host: "example.com",
  });
  expect(["javascript:alert(1)", "data:text/html,x", "/relative", ""].map(webAddress)).toEqual(
    Array(4).fill(undefined),
  );
});

test("sizes are short", () => {
  expect([12, 1_400, 999_600, 8_390_000].map(size)).toEqual(["12 bytes", "1 KB", "1.0 MB", "8.4 MB"]);
});

test("a name is one whatever its Unicode form", () => {
  expect(topicName("Cafe\u0301")).toBe("Café");
  expect(topicName("\ufeffca\u200bfé")).toBe("café");
  expect(topicName("👩\u200d🔬 news")).toBe("👩\u200d🔬 news");
  expect(topicName("\u200b\u3164")).toBe("");
  expect(sameTopic("ＡＩ", "ai")).toBe(true);
});
