import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { identity } from "../server";
import { keptText } from "./kept";

const kept = new Map<string, string>();
let user = "";

beforeEach(() => {
  kept.clear();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
  vi.spyOn(identity, "user").mockImplementation(() => user);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("a text is there again when the page is, until it was sent", () => {
  user = "";
  keptText("requirements").value = "Weekly briefs";
  const text = keptText("requirements");
  expect(text.value).toBe("Weekly briefs");
  text.clear();
  expect(keptText("requirements").value).toBe("");
  expect(kept.size).toBe(0);
});

test("a text is shown to nobody but the person who typed it", () => {
  user = "ada";
  keptText("requirements").value = "Ada's";
  user = "bob";
  expect(keptText("requirements").value).toBe("");
  keptText("requirements").value = "Bob's";
  user = "";
  expect(keptText("requirements").value).toBe("");
  user = "ada";
  expect(keptText("requirements").value).toBe("Ada's");
});
