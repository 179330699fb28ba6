/** Rules about texts that the server has as well; here so that a person hears of them while typing. */

export const CONTENT_MAX = 100_000;
/** Testing and committing ask for this many characters. */
export const CONTENT_MIN = 100;
export const QUERY_LENGTH = [10, 1_000] as const;
export const NAME_LENGTH = [3, 100] as const;
export const TITLE_LENGTH = [5, 100] as const;
export const DESCRIPTION_MAX = 500;
export const MESSAGE_MAX = 20_000;
export const REQUIREMENTS_MAX = 10_000;
export const NOTES_MAX = 500;
export const PROMPT_NAME = /^[a-z0-9_]{3,50}$/;

/** Characters as the server counts them: code points, not UTF-16 units. */
export function length(text: string): number {
  let pairs = 0;
  for (let at = 0; at < text.length - 1; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit >= 0xd800 && unit <= 0xdbff) pairs += 1;
  }
  return text.length - pairs;
}

/**
 * Roughly how many tokens a model makes of `text`: about four bytes of UTF-8
 * each, in English. Every model counts in its own way; it is shown as "about".
 */
export function tokens(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff)) bytes += 2;
    else bytes += 3;
  }
  return Math.ceil(bytes / 4);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for.
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

/** Without the control characters that the server refuses; a pasted one would make every save fail. */
export const withoutControls = (text: string): string => text.replace(CONTROLS, "");

/** One line: what a name or a title may be. */
export const oneLine = (text: string): string => withoutControls(text.replace(/[\t\r\n]+/g, " "));

/** A library name proposed for a title: `Weekly brief: AI` gives `weekly_brief_ai`. */
export function promptName(title: string): string {
  const plain = title
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_");
  return plain.slice(0, 50).replace(/^_+|_+$/g, "");
}

/** Why a library name can't be; null when it can. */
export function nameProblem(name: string): string | null {
  if (name.length < 3) return "At least 3 characters are needed.";
  if (name.length > 50) return "At most 50 characters fit.";
  if (!PROMPT_NAME.test(name)) return "Only a–z, 0–9 and _ are allowed.";
  return null;
}
