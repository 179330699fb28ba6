/**
 * Small texts that a person is typing, kept in the browser until they are sent:
 * a message, a question, notes, requirements. (A draft's text has the journal.)
 * Nobody else who uses this browser is shown them.
 */
import { type Signal, signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { identity } from "../server";

const PREFIX = "typed:";

export interface Kept extends Signal<string> {
  /** Empties it, here and in the browser: it was sent. */
  clear: () => void;
}

function load(key: string): string {
  try {
    return localStorage.getItem(PREFIX + key) ?? "";
  } catch {
    return "";
  }
}

function store(key: string, text: string): void {
  try {
    if (text === "") localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, text);
  } catch {
    // Storage is off or full: the text is still on screen.
  }
}

/** A name in the browser's storage that is the present person's own; the machine's own user needs none. */
export function owned(key: string): string {
  const user = identity.user();
  return user === "" ? key : `${user} ${key}`;
}

/** The text kept under `name`. Every change is kept at once; one tab's don't disturb another's screen. */
export function keptText(name: string, initial = ""): Kept {
  const key = owned(name);
  const found = load(key);
  const text = signal(found === "" ? initial : found);
  let first = true;
  text.subscribe((value) => {
    if (first) first = false;
    else store(key, value === initial ? "" : value);
  });
  return Object.assign(text, {
    clear: () => {
      text.value = "";
    },
  });
}

export const useKeptText = (name: string, initial = ""): Kept =>
  useMemo(() => keptText(name, initial), [owned(name)]);
