import { expect, test } from "vitest";
import { inShort } from "./thinking";

test("thinking is told by its words", () => {
  expect(inShort("Hm.")).toBe("Thought, 1 word");
  expect(inShort("\nFirst the reader,\n then the form. ")).toBe("Thought, 6 words");
  expect(inShort("Hm, so", true)).toBe("Thinking, 2 words");
  expect(inShort("word ".repeat(4_000))).toBe("Thought, more than the 4,000 words that are kept");
});
