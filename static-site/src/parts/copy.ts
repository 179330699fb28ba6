import { say } from "./toasts";

/** Puts text on the clipboard and says so. */
export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied.");
  } catch {
    say("The browser didn't let the page copy. Select the text and copy it by hand.");
  }
}
