/** Finding a prompt among those of the library, as one types. */

interface Findable {
  name: string;
  title: string;
  description: string;
}

/** Lower case, without accents: what two people would call the same letters. */
const plain = (text: string): string => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/**
 * The prompts that have every word of `query` somewhere in their name, title or
 * description, in their own order. Parts of words count: one is still typing.
 */
export function matching<Prompt extends Findable>(prompts: readonly Prompt[], query: string): Prompt[] {
  const words = plain(query).split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...prompts];
  return prompts.filter((prompt) => {
    const text = plain(`${prompt.name}\n${prompt.title}\n${prompt.description}`);
    return words.every((word) => text.includes(word));
  });
}

/** Where a prompt's page is. */
export const promptPath = (name: string, query = ""): string =>
  `/library/${encodeURIComponent(name)}${query === "" ? "" : `?${query}`}`;

/** Where a draft is begun from a prompt: the address that other applications link to as well. */
export const clonePath = (name: string): string => `/prompt-workshop?clone=${encodeURIComponent(name)}`;

/** A version as an address names it; none when it isn't a version's number. */
export function versionOf(text: string | null): number | undefined {
  const version = text !== null && /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return version > 0 ? version : undefined;
}
