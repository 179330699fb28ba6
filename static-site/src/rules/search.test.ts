import { describe, expect, test } from "vitest";
import { type Asked, isFiltered, readAsked, why, writeAsked } from "./search";

const all: Asked = { query: "", category: "", sentiment: "", source: "", days: 0, limit: 20 };

describe("a search in the address", () => {
  test("is read as it was written", () => {
    const asked: Asked = {
      query: "surveys & figures",
      category: "Trade/Ports",
      sentiment: "critical",
      source: "Example Times",
      days: 45,
      limit: 50,
    };
    expect(readAsked(new URLSearchParams(writeAsked(asked).toString()))).toEqual(asked);
  });

  test("has nothing of what is usual", () => {
    expect(writeAsked(all).toString()).toBe("");
    expect(readAsked(new URLSearchParams())).toEqual(all);
    expect(writeAsked({ ...all, query: "  " }).toString()).toBe("");
  });

  test("that makes no sense is taken without that part", () => {
    for (const days of ["0", "-3", "1.5", "many", "99999999"])
      expect(readAsked(new URLSearchParams({ days })).days).toBe(0);
    expect(readAsked(new URLSearchParams({ limit: "7" })).limit).toBe(20);
  });

  test("knows whether something is filtered away", () => {
    expect(isFiltered({ ...all, query: "surveys", limit: 50 })).toBe(false);
    expect(isFiltered({ ...all, days: 7 })).toBe(true);
    expect(isFiltered({ ...all, source: "Example Times" })).toBe(true);
  });
});

describe("why an article was found", () => {
  const matched_words = ["survey", "adoption"];

  test("names the place by each way, and the words", () => {
    expect(why({ matched_words, words_rank: 3, meaning_rank: 1 }, true)).toBe(
      "3rd by words (survey, adoption), 1st by meaning",
    );
  });

  test("says when one way alone found it", () => {
    expect(why({ matched_words: [], words_rank: null, meaning_rank: 12 }, true)).toBe(
      "Found by meaning alone, as the 12th",
    );
    expect(why({ matched_words, words_rank: 2, meaning_rank: null }, true)).toBe(
      "Found by words alone, as the 2nd (survey, adoption)",
    );
  });

  test("doesn't speak of meaning where it wasn't searched by", () => {
    expect(why({ matched_words, words_rank: 21 }, false)).toBe("21st by words (survey, adoption)");
  });

  test("is nothing for what was only listed", () => {
    expect(why({ matched_words: [], words_rank: null, meaning_rank: null }, true)).toBe("");
  });
});
