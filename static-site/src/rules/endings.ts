/** How an answer ended, in words: of runs and of messages alike. */
import type { Ending, Message, Run } from "../server";

/** Why it ended early; nothing for one that is whole. */
const WHY: Record<Ending, string> = {
  complete: "",
  length: "it reached its length",
  stopped: "you stopped it",
  filter: "a filter stopped it",
  refusal: "the model declined",
  cut: "the connection broke",
  slow: "it took too long",
  empty: "the model wrote nothing",
  tools: "the model only called tools",
  server: "the model’s server failed",
  interrupted: "the workshop was interrupted",
  not_asked: "the model was not asked",
  other: "its server ended it",
};

type Ended = Pick<Run, "status" | "truncated"> & { ended?: Ending | null };

/** Older runs don't say: one with an answer that counts was cut at its length. */
function endingOf({ status, truncated, ended }: Ended): Ending | undefined {
  return ended ?? (status === "succeeded" && truncated ? "length" : undefined);
}

/** Where a run stands: never done when its answer was cut. */
export function standing(run: Ended): { mood: string; words: string } {
  const ending = endingOf(run);
  const why = ending === undefined ? "" : WHY[ending];
  switch (run.status) {
    case "queued":
      return { mood: "busy", words: "Waiting to start" };
    case "running":
      return { mood: "busy", words: "Running" };
    case "cancelled":
      return { mood: "", words: "Cancelled" };
    case "failed":
      return { mood: "bad", words: why === "" ? "Failed" : `Failed: ${why}` };
    case "succeeded":
      return why === "" ? { mood: "good", words: "Done" } : { mood: "warn", words: `Cut off: ${why}` };
  }
}

/** What stands at the end of a run's answer that was cut; nothing at that of a whole one. */
export function cut(run: Ended): string {
  if (!run.truncated) return "";
  const ending = endingOf(run);
  return ending === undefined || WHY[ending] === ""
    ? "The answer ended early."
    : `The answer ends here: ${WHY[ending]}.`;
}

/** Whether a message, or the one that it answers, waits for an answer: one that came to its model's end is one. */
export function isUnanswered({
  role,
  content,
  truncated,
  ended,
}: Pick<Message, "role" | "content" | "truncated" | "ended">): boolean {
  const hasEnded = content !== "" && (ended === "length" || ended === "other");
  return role === "user" || (truncated && !hasEnded);
}

/** Why a message has no whole answer, or is none; nothing when all is well. */
export function unfinished({
  role,
  truncated,
  ended,
  problem,
}: Pick<Message, "role" | "truncated" | "ended" | "problem">): string {
  if (problem) return problem;
  if (role === "user") return ended === "stopped" ? "You stopped the answer before its first word." : "";
  if (!truncated) return "";
  return `${ended === "stopped" ? "You stopped this answer." : "This answer ended early."} What there is of it is kept.`;
}
