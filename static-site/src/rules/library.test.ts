import { expect, test } from "vitest";
import { clonePath, matching, promptPath, versionOf } from "./library";

const prompts = [
  { name: "weekly_brief", title: "Weekly brief", description: "Surveys on AI adoption, with sources" },
  { name: "resume_summary", title: "Résumé summary", description: "" },
];

test("every word must be somewhere in name, title or description", () => {
  expect(matching(prompts, "brief adoption")).toEqual([prompts[0]]);
  expect(matching(prompts, "brief résumé")).toEqual([]);
});

test("a word that is still being typed finds what it begins", () => {
  expect(matching(prompts, "surv")).toEqual([prompts[0]]);
});

test("capitals and accents make no difference", () => {
  expect(matching(prompts, "RESUME")).toEqual([prompts[1]]);
  expect(matching(prompts, "résumé")).toEqual([prompts[1]]);
});

test("nothing typed finds all, in their order", () => {
  expect(matching(prompts, "  ")).toEqual(prompts);
});

test("addresses hold whatever a name holds", () => {
  expect(promptPath("a_b", "version=2")).toBe("/library/a_b?version=2");
  expect(clonePath("a&b")).toBe("/prompt-workshop?clone=a%26b");
});

test("what isn't a version's number names the newest", () => {
  expect(["3", "0", "-1", "x", "", null].map(versionOf)).toEqual([3, ...Array(5).fill(undefined)]);
});
