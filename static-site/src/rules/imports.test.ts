import { expect, test } from "vitest";
import { copies } from "./imports";

test("copies are said to be kept", () => {
  expect(copies(7)).toMatch(/^7 were copies of articles that are here/);
  expect(copies(1)).toMatch(/^One was a copy/);
  expect(copies(0)).toBe("");
});
