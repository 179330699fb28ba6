/** What an answer was checked for, in words. */
import type { Checks } from "../server";
import { count, number } from "./when";

/** The line of figures: `412 words, 7 citations, 4 of 12 given articles cited, 3 outlets`. */
export function figuresOf(checks: Checks): string {
  const { words, citations, articles_cited, articles_given, sources_cited } = checks;
  const length = count(words, "word");
  if (articles_given === 0) return `${length}; no article was given to the model`;
  if (citations === 0) return `${length}; none of ${count(articles_given, "article")} given is cited`;
  return [
    length,
    count(citations, "citation"),
    `${number(articles_cited)} of ${number(articles_given)} given articles cited`,
    sources_cited > 0 && count(sources_cited, "outlet"),
  ]
    .filter(Boolean)
    .join(", ");
}

/** Something to look at: what it is, each place, and how many there are beyond those. */
export interface Finding {
  is: "invented" | "uncited" | "missing";
  what: string;
  places: { text: string; url?: string }[];
  more: number;
}

export function findings(checks: Checks): Finding[] {
  const missing = checks.structure.filter((part) => !part.found);
  const all: Finding[] = [
    {
      is: "invented",
      what: `${count(checks.invented_total, "link")} to no article that was given`,
      places: checks.invented,
      more: checks.invented_total - checks.invented.length,
    },
    {
      is: "uncited",
      what: `${count(checks.uncited_numbers_total, "claim")} with a number and no citation`,
      places: checks.uncited_numbers.map((text) => ({ text })),
      more: checks.uncited_numbers_total - checks.uncited_numbers.length,
    },
    {
      is: "missing",
      what: "Asked for and not found",
      places: missing.map((part) => ({ text: part.asked })),
      more: 0,
    },
  ];
  return all.filter((finding) => finding.places.length + finding.more > 0);
}

/** What is as it should be, in sentences; empty when nothing is. */
export function inOrder(checks: Checks): string {
  const found = checks.structure.filter((part) => part.found).map((part) => part.asked);
  return [
    checks.citations > 0 && checks.invented_total === 0 && "Every link leads to an article that was given.",
    checks.citations > 0 && checks.uncited_numbers_total === 0 && "No claim with a number lacks a citation.",
    found.length > 0 && `Asked for and found: ${found.join(", ")}.`,
  ]
    .filter(Boolean)
    .join(" ");
}
