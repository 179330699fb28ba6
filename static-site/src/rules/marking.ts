/** Which words of a text a search was about. */

export interface Span {
  text: string;
  isMarked: boolean;
}

/**
 * Words as the server takes them: runs of letters and digits with their
 * accents, and single characters of scripts that are written without spaces.
 */
const WORDS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])[\p{L}\p{N}\p{M}\u00ad\u200b-\u200d])+/gu;

/** `text`, cut where words begin and end that are forms of one of `words`. */
export function marked(text: string, words: readonly string[]): Span[] {
  const wanted = new Set(words.map(stem));
  const spans: Span[] = [];
  const add = (part: string, isMarked: boolean): void => {
    if (part !== "") spans.push({ text: part, isMarked });
  };
  let end = 0;
  for (const found of text.matchAll(WORDS)) {
    if (!wanted.has(stem(found[0]))) continue;
    add(text.slice(end, found.index), false);
    add(found[0], true);
    end = found.index + found[0].length;
  }
  add(text.slice(end), false);
  return spans;
}

/**
 * What the forms of an English word share: nearly as the server cuts it. Where
 * the two differ a word more or less is marked, and what was found is the same.
 */
function stem(word: string): string {
  const plain = word
    .toLowerCase()
    .normalize("NFC")
    .replace(/[\u0300-\u036f\u00ad\u200b-\u200d]/g, "");
  if (plain.length < 4 || plain === "news" || !/^[a-z0-9]+$/.test(plain)) return plain;
  const singular = plain.replace(/(?<![sui])s$/, "");
  const base = singular.replace(/^(.*[aeiouy].*)(?:ing|(?<!e)ed)$/, (whole, rest: string) =>
    rest.length < 3 ? whole : rest.length > 3 ? rest.replace(/([^lsz])\1$/, "$1") : rest,
  );
  if (base.length < 4) return base;
  return base.endsWith("e") ? base.slice(0, -1) : base.replace(/(?<![aeou])y$/, "i");
}
