/**
 * The only place where text becomes HTML. What models and articles wrote is
 * untrusted: Markdown is made into HTML, the HTML is purified, and nothing in it
 * loads, runs or styles anything. Images are shown as their words: an image is
 * a request to whoever is named in it.
 */
import DOMPurify from "dompurify";
import { Marked } from "marked";
import { useLayoutEffect, useRef } from "preact/hooks";
import { copy } from "./copy";

/** Answers stand under headings of the third level. */
const HEADINGS_ABOVE = 3;

/**
 * So many quotes or lists in each other nobody means, but whoever attacks, or a small model that repeats itself. The
 * parser would take its time over them, and end when the stack is full.
 */
const ENDLESS = /(?:>[ \t]*|(?:[-*+]|\d{1,9}[.)])[ \t]+){100}/;
/** For each star and underscore the parser looks through the rest of its paragraph: so many characters in all. */
const LOOKED_MAX = 5_000_000;
let looked = 0;

/**
 * HTML in an answer is words, as everything else is: a prompt that names its
 * parts with tags is then read as it was written, and no foreign style or base
 * address is even parsed. Only a line break is one.
 */
const marked = new Marked({
  gfm: true,
  breaks: false,
  tokenizer: {
    html: () => undefined,
    // False leaves it to the parser; undefined leaves the sign as it is.
    emStrong(source) {
      looked += source.length;
      return looked > LOOKED_MAX ? undefined : false;
    },
    tag(source) {
      const found = /^<br *\/?>/i.exec(source);
      return found ? ({ type: "br", raw: found[0] } as never) : undefined;
    },
  },
  renderer: {
    image: ({ text }) => `<em>[image${text === "" ? "" : `: ${escaped(text)}`}]</em>`,
    // What an answer calls its first heading stands below the page's own.
    heading({ tokens, depth }) {
      const level = Math.min(6, depth + HEADINGS_ABOVE);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
  },
});

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

const ALLOWED_TAGS =
  "p br hr h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong del a table thead tbody tr th td".split(
    " ",
  );

/** What can't be parsed is shown as it is: a whole page must not fail because of one answer in it. */
function parsed(markdown: string): string {
  looked = 0;
  try {
    if (!ENDLESS.test(markdown)) return marked.parse(markdown, { async: false });
  } catch {
    // Nested deeper than there is room for, in a way of its own.
  }
  return `<pre>${escaped(markdown)}</pre>`;
}

function fragment(markdown: string): DocumentFragment {
  const pure = DOMPurify.sanitize(parsed(markdown), {
    ALLOWED_TAGS,
    ALLOWED_ATTR: ["href", "start", "align"],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const link of pure.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  for (const block of pure.querySelectorAll("pre")) withCopyButton(block);
  return pure;
}

function withCopyButton(block: HTMLPreElement): void {
  const frame = document.createElement("div");
  frame.className = "code";
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", () => void copy(block.textContent ?? ""));
  block.tabIndex = 0;
  block.setAttribute("role", "group");
  block.setAttribute("aria-label", "Code");
  block.replaceWith(frame);
  frame.append(button, block);
}

/** Markdown of someone else's, shown. */
export function Markdown({ text }: { text: string }) {
  const shown = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    shown.current?.replaceChildren(fragment(text));
  }, [text]);
  return <div class="prose" ref={shown} />;
}
