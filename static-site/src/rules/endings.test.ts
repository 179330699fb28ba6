import { expect, test } from "vitest";
import { cut, isUnanswered, standing, unfinished } from "./endings";

test("an answer that was cut is never done, and says why", () => {
  const run = (
    status: "succeeded" | "failed" | "cancelled",
    ended?: Parameters<typeof standing>[0]["ended"],
  ) => ({
    status,
    truncated: ended !== "complete",
    ...(ended === undefined ? {} : { ended }),
  });
  expect(standing(run("succeeded", "complete"))).toEqual({ mood: "good", words: "Done" });
  expect(standing(run("succeeded", "length"))).toEqual({
    mood: "warn",
    words: "Cut off: it reached its length",
  });
  expect(standing(run("succeeded", "other")).words).toBe("Cut off: its server ended it");
  expect(standing(run("failed", "filter"))).toEqual({ mood: "bad", words: "Failed: a filter stopped it" });
  expect(standing(run("cancelled", "stopped")).words).toBe("Cancelled");
  expect(cut(run("failed", "cut"))).toBe("The answer ends here: the connection broke.");
  expect(cut(run("cancelled", "stopped"))).toBe("The answer ends here: you stopped it.");
  expect(cut(run("succeeded", "complete"))).toBe("");
  // Those of older versions don't say it.
  expect(standing(run("succeeded")).words).toBe("Cut off: it reached its length");
  expect(standing({ status: "succeeded", truncated: false }).words).toBe("Done");
  expect(standing(run("failed")).words).toBe("Failed");
  expect(cut(run("failed"))).toBe("The answer ended early.");
});

test("what was cut waits for an answer, unless its model came to an end", () => {
  const answer = { role: "assistant", content: "It begins", truncated: true } as const;
  expect(isUnanswered({ ...answer, role: "user", truncated: false })).toBe(true);
  expect(isUnanswered({ ...answer, ended: "cut" })).toBe(true);
  expect(isUnanswered(answer)).toBe(true);
  expect(isUnanswered({ ...answer, ended: "length" })).toBe(false);
  expect(isUnanswered({ ...answer, ended: "length", content: "" }), "it only thought").toBe(true);
  expect(isUnanswered({ ...answer, truncated: false, ended: "complete" })).toBe(false);
});

test("a message says why it has no whole answer", () => {
  const answer = { role: "assistant", truncated: true } as const;
  expect(unfinished({ ...answer, ended: "filter", problem: "A filter stopped it." })).toBe(
    "A filter stopped it.",
  );
  expect(unfinished({ ...answer, ended: "stopped" })).toBe(
    "You stopped this answer. What there is of it is kept.",
  );
  expect(unfinished(answer)).toBe("This answer ended early. What there is of it is kept.");
  expect(unfinished({ ...answer, truncated: false, ended: "complete" })).toBe("");
  expect(unfinished({ role: "user", truncated: false })).toBe("");
  expect(unfinished({ role: "user", truncated: false, ended: "stopped" })).toContain("before its first word");
  expect(unfinished({ role: "user", truncated: false, ended: "refusal", problem: "It declined." })).toBe(
    "It declined.",
  );
});
