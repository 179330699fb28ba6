import { describe, expect, test } from "vitest";
import { blocks, proposals } from "./extract";

const lines = (...all: string[]): string => all.join("\n");
const texts = (answer: string): string[] => blocks(answer).map((block) => block.text);

test("a proposal is the text between its fences, as written", () => {
  const answer = lines(
    "Here it is:",
    "",
    "```text",
    "# Role",
    "",
    "  You write briefs.",
    "```",
    "",
    "Shall I?",
  );
  expect(blocks(answer)).toEqual([
    { text: lines("# Role", "", "  You write briefs."), language: "text", closed: true },
  ]);
});

test("an answer without a fence proposes nothing", () => {
  expect(blocks("What is it for?\n\nUse `code` and ``two``.")).toEqual([]);
  expect(proposals("")).toEqual([]);
});

test("the longest block is the likeliest proposal", () => {
  const answer = lines(
    "```",
    "short",
    "```",
    "or",
    "```",
    "a much longer one",
    "```",
    "or",
    "```",
    "middling",
    "```",
  );
  expect(texts(answer)).toEqual(["short", "a much longer one", "middling"]);
  expect(proposals(answer).map((block) => block.text)).toEqual(["a much longer one", "middling", "short"]);
});

test("an empty block is no proposal", () => {
  expect(blocks(lines("```", "```", "", "```text", "  ", "", "```"))).toEqual([]);
});

describe("a fence inside a fence", () => {
  test("belongs to the text when the outer one is longer", () => {
    const inner = lines("Answer like this:", "```json", "{}", "```", "Cite.", "```", "x", "```");
    expect(texts(lines("````markdown", inner, "````"))).toEqual([inner]);
  });

  test("belongs to the text when it has a language and is as long as the outer one", () => {
    const inner = lines("Answer like this:", "```json", "{}", "```", "Cite your sources.");
    expect(texts(lines("```markdown", inner, "```", "Good?"))).toEqual([inner]);
  });

  test("belongs to the text when it is of the other kind", () => {
    const tilde = lines("a", "~~~", "b", "~~~", "c");
    expect(texts(lines("```", tilde, "```"))).toEqual([tilde]);
    const backticks = lines("a", "```", "b", "```", "c");
    expect(texts(lines("~~~", backticks, "~~~"))).toEqual([backticks]);
  });

  test("three deep is still one proposal", () => {
    const inner = lines("a", "```md", "b", "```js", "c", "```", "d", "```", "e");
    expect(texts(lines("```text", inner, "```", "after"))).toEqual([inner]);
  });
});

describe("a closing fence (CommonMark 4.5)", () => {
  test("is at least as long as the opening one", () => {
    expect(texts(lines("````", "a", "```", "b", "````"))).toEqual([lines("a", "```", "b")]);
    expect(texts(lines("```", "a", "`````", "after"))).toEqual(["a"]);
  });

  test("has nothing after it but spaces and tabs", () => {
    expect(texts(lines("```", "a", "``` \t", "after"))).toEqual(["a"]);
    expect(texts(lines("~~~", "a", "~~~ b", "c", "~~~"))[0]).toContain("~~~ b");
  });

  test("may be indented by three spaces, not by four", () => {
    expect(texts(lines("```", "a", "   ```", "after"))).toEqual(["a"]);
    expect(texts(lines("```", "a", "    ```", "b", "```"))).toEqual([lines("a", "    ```", "b")]);
  });
});

describe("an opening fence (CommonMark 4.5)", () => {
  test("has at least three marks", () => {
    expect(blocks(lines("``", "a", "``"))).toEqual([]);
  });

  test("may be indented by three spaces, which its lines lose", () => {
    expect(texts(lines("  ```", "aaa", "  bbb", "   ccc", "  ```"))).toEqual([lines("aaa", "bbb", " ccc")]);
    expect(blocks(lines("    ```", "aaa", "    ```"))).toEqual([]);
  });

  test("of backticks has no backtick after it: that is code in a sentence", () => {
    expect(blocks(lines("``` a `b` c", "text"))).toEqual([]);
    expect(texts(lines("~~~ a `b`", "text", "~~~"))).toEqual(["text"]);
  });

  test("names its language by the first word", () => {
    expect(blocks(lines('```  markdown title="Prompt" {1}', "a", "```"))[0]?.language).toBe("markdown");
    expect(blocks(lines("```", "a", "```"))[0]?.language).toBe("");
  });
});

describe("a block that isn't closed", () => {
  const open = lines("```text", "You are");

  test("is not proposed while the answer is being written", () => {
    expect(proposals(open, false)).toEqual([]);
  });

  test("is proposed when the answer has ended, and says so", () => {
    expect(proposals(open, true)).toEqual([{ text: "You are", language: "text", closed: false }]);
  });

  test("doesn't hold back those before it", () => {
    const answer = lines("```", "whole", "```", open);
    expect(proposals(answer, false).map((block) => block.text)).toEqual(["whole"]);
  });
});

test("line ends of either kind make the same proposal", () => {
  const answer = lines("Here:", "```text", "# Role", "", "Write.", "```", "Good?");
  const text = (found: string): string => found.replace(/\r\n?/g, "\n");
  expect(texts(answer.replaceAll("\n", "\r\n")).map(text)).toEqual(texts(answer));
  expect(blocks(answer.replaceAll("\n", "\r\n"))[0]).toMatchObject({ language: "text", closed: true });
});

test("a fence in a list is found, without the list's indent", () => {
  const answer = lines(
    "1. The prompt:",
    "",
    "   ```text",
    "   You write briefs.",
    "     - short",
    "   ```",
    "2. Good?",
  );
  expect(texts(answer)).toEqual([lines("You write briefs.", "  - short")]);
});

test("a fence deeper in a list is found too", () => {
  const answer = lines("10. The prompt:", "", "    ```text", "    You write briefs.", "    ```", "", "Good?");
  expect(texts(answer)).toEqual(["You write briefs."]);
});

test("a fence on the line of its list item is found", () => {
  expect(texts(lines("- ```text", "  You write briefs.", "  ```", "- Good?"))).toEqual(["You write briefs."]);
});

test("a fence indented by four spaces after a list has ended is code in the text", () => {
  expect(blocks(lines("1. One", "", "Text again.", "", "    ```", "    a", "    ```"))).toEqual([]);
});
