/**
 * The prompt editor: CodeMirror 6, fetched when it is first needed.
 *
 * It lives in a shadow root, because there its style sheets are constructed
 * ones, which the page's Content-Security-Policy allows; in the page itself
 * they would be inline `<style>` elements, which it doesn't.
 */
import { defaultKeymap, history, historyKeymap, undo } from "@codemirror/commands";
import { defineLanguageFacet, HighlightStyle, Language, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, openSearchPanel, search, searchKeymap } from "@codemirror/search";
import { Annotation, Compartment, EditorState, type Text } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { GFM, parser } from "@lezer/markdown";
import type { ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { withoutControls } from "../rules/text";

/** What the buttons around an editor can ask of it. */
export interface EditorHandle {
  focus(): void;
  find(): void;
  undo(): void;
}

/** Marks a change that came from outside, so that it isn't reported back as the person's. */
const fromOutside = Annotation.define<boolean>();

const markdown = new Language(defineLanguageFacet(), parser.configure(GFM), [], "markdown");

const highlighting = HighlightStyle.define([
  { tag: tags.heading, fontWeight: "650" },
  { tag: tags.strong, fontWeight: "650" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: [tags.link, tags.url], color: "var(--accent)" },
  { tag: tags.monospace, color: "var(--accent)" },
  { tag: tags.quote, color: "var(--ink-2)" },
  { tag: [tags.processingInstruction, tags.contentSeparator, tags.labelName], color: "var(--ink-3)" },
]);

/** A line longer than this is not coloured: it is parsed as a whole, anew for each key. */
const COLOURED_LINE_MAX = 10_000;
const colours = new Compartment();

function isColoured(text: Text): boolean {
  for (const line of text.iterLines()) if (line.length > COLOURED_LINE_MAX) return false;
  return true;
}

const coloursOf = (text: Text) => (isColoured(text) ? [markdown, syntaxHighlighting(highlighting)] : []);

const coloursAsNeeded = EditorState.transactionExtender.of((transaction) => {
  if (!transaction.docChanged || isColoured(transaction.startState.doc) === isColoured(transaction.newDoc))
    return null;
  return { effects: colours.reconfigure(coloursOf(transaction.newDoc)) };
});

const look = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--paper)", fontSize: "var(--s1)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", overflow: "auto" },
  ".cm-content": { padding: "var(--g3) 0 40vh", caretColor: "var(--accent)" },
  ".cm-line": { padding: "0 var(--g4)" },
  ".cm-placeholder": { color: "var(--ink-3)" },
  ".cm-selectionMatch": { backgroundColor: "var(--accent-wash)" },
  ".cm-panels": { backgroundColor: "var(--paper-2)", color: "var(--ink)", borderColor: "var(--line)" },
  ".cm-panels-bottom": { borderTop: "1px solid var(--line)" },
  ".cm-panel.cm-search": { padding: "var(--g2) var(--g4)", fontFamily: "var(--text)", fontSize: "var(--s0)" },
  ".cm-panel.cm-search label": { fontSize: "var(--s0)" },
  ".cm-panel.cm-search [name=close]": { color: "var(--ink)", fontSize: "var(--s2)" },
  ".cm-textfield": {
    minHeight: "1.75rem",
    backgroundColor: "var(--paper)",
    border: "1px solid var(--line-2)",
    borderRadius: "var(--radius)",
    color: "var(--ink)",
  },
  ".cm-button": {
    minHeight: "1.75rem",
    backgroundImage: "none",
    backgroundColor: "var(--paper)",
    border: "1px solid var(--line-2)",
    borderRadius: "var(--radius)",
    color: "var(--ink)",
  },
  ".cm-searchMatch": { backgroundColor: "var(--warn-wash)", outline: "1px solid var(--warn)" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--accent-wash)", outline: "2px solid var(--accent)" },
});

/** The smallest change that makes `text` of the document: the cursor then stays where it was. */
function replacement(state: EditorState, text: string): { from: number; to: number; insert: string } | null {
  const now = state.doc.toString();
  if (now === text) return null;
  const shorter = Math.min(now.length, text.length);
  let head = 0;
  while (head < shorter && now.charCodeAt(head) === text.charCodeAt(head)) head += 1;
  let tail = 0;
  while (
    tail < shorter - head &&
    now.charCodeAt(now.length - 1 - tail) === text.charCodeAt(text.length - 1 - tail)
  ) {
    tail += 1;
  }
  return { from: head, to: now.length - tail, insert: text.slice(head, text.length - tail) };
}

export function Editor({
  label,
  hint,
  text,
  onChange,
  onSave,
  onReady,
}: {
  label: string;
  hint: string;
  text: ReadonlySignal<string>;
  onChange: (text: string) => void;
  onSave: () => void;
  onReady: (editor: EditorHandle | null) => void;
}) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!host.current) return;
    const saves = (): boolean => {
      onSave();
      return true;
    };
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: "open" });
    const view = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: text.peek(),
        extensions: [
          history(),
          colours.of(coloursOf(EditorState.create({ doc: text.peek() }).doc)),
          coloursAsNeeded,
          EditorView.lineWrapping,
          EditorView.clipboardInputFilter.of(withoutControls),
          EditorView.contentAttributes.of({
            "aria-label": label,
            spellcheck: "true",
            autocapitalize: "sentences",
          }),
          placeholder(hint),
          search(),
          highlightSelectionMatches(),
          keymap.of([
            { key: "Mod-s", preventDefault: true, run: saves },
            ...searchKeymap,
            ...historyKeymap,
            ...defaultKeymap,
          ]),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged) return;
            if (update.transactions.every((transaction) => transaction.annotation(fromOutside))) return;
            onChange(update.state.doc.toString());
          }),
          look,
        ],
      }),
    });
    const unsubscribe = text.subscribe((value) => {
      const changes = replacement(view.state, value);
      if (changes) view.dispatch({ changes, annotations: fromOutside.of(true) });
    });
    onReady({
      focus: () => view.focus(),
      find: () => openSearchPanel(view),
      undo: () => undo(view),
    });
    return () => {
      onReady(null);
      unsubscribe();
      view.destroy();
    };
  }, []);
  return <div class="editor" ref={host} />;
}
