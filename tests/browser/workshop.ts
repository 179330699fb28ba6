/**
 * What every test starts from: one machine for all tests of a worker, a page that
 * must not complain, and the few things done to a draft in nearly all of them.
 */
import { test as base, expect, type Locator, type Page } from "@playwright/test";
import { Machine } from "./machine";
import { ScriptedModel } from "./scripted-model";

export { expect } from "@playwright/test";

interface Fixtures {
  /** Fails the test when the page reports an error or a violation of its own policy. */
  quiet: { allow: (words: RegExp) => void };
}

/** Of a worker. A file that changes one of them gets a worker of its own, whose start takes seconds. */
interface Shared {
  model: ScriptedModel;
  machine: Machine;
}

export const test = base.extend<Fixtures, Shared>({
  model: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads from the pattern which fixtures are needed.
    async ({}, use) => {
      const model = await ScriptedModel.start();
      await use(model);
      await model.stop();
    },
    { scope: "worker" },
  ],
  machine: [
    async ({ model }, use) => {
      const machine = await Machine.withModel(model.url);
      await use(machine);
      await machine.stop();
    },
    { scope: "worker" },
  ],
  // A request that the page makes as the test ends is nobody's any more: what stands in for its answer may fail.
  // A page that has crashed makes none, and would never answer that it has stopped.
  page: async ({ page }, use) => {
    let hasCrashed = false;
    page.once("crash", () => {
      hasCrashed = true;
    });
    await use(page);
    if (!hasCrashed) await page.unrouteAll({ behavior: "ignoreErrors" });
  },
  quiet: [
    async ({ context }, use) => {
      const complaints: string[] = [];
      const allowed: RegExp[] = [];
      watch(context, complaints);
      await use({ allow: (words) => allowed.push(words) });
      expect(complaints.filter((said) => !allowed.some((words) => words.test(said)))).toEqual([]);
    },
    { auto: true },
  ],
});

/** Collects what the browser's console has to say against the pages of a context, or of one site in it. */
export function watch(
  context: import("@playwright/test").BrowserContext,
  complaints: string[],
  site = "",
): void {
  context.on("console", (message) => {
    const isComplaint = message.type() === "error" || message.type() === "warning";
    if (isComplaint && message.location().url.startsWith(site)) complaints.push(message.text());
  });
  context.on("weberror", (error) => complaints.push(String(error.error())));
}

/** The network is cut or the server killed on purpose: the browser says so in its console. */
export const OFFLINE = /net::ERR|Failed to load resource/;

export const TEXT = [
  "# Role",
  "You are a research analyst who writes briefs for executives.",
  "",
  "# Sources",
  "Answer from the given articles only and cite each claim as a Markdown link.",
  "",
  "# Form",
  "At most one page, the newest first.",
].join("\n");

export const editor = (page: Page): Locator => page.getByRole("textbox", { name: "Text of the prompt" });

export const saveState = (page: Page): Locator => page.locator(".saved [role=status]");

/**
 * Changes a draft, and waits until that is saved: for "Edited" and then "Saved at". A busy machine can be too slow to
 * look while "Edited" stands there, so that the page itself notes all that is said.
 */
export async function saved(page: Page, change: () => Promise<unknown>): Promise<void> {
  const said = await page.evaluateHandle(() => {
    const words: string[] = [];
    new MutationObserver(() => {
      words.push(document.querySelector(".saved [role=status]")?.textContent ?? "");
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
    return words;
  });
  await change();
  await expect.poll(() => said.evaluate((words) => words.join("\n"))).toMatch(/Edited/);
  await expect(saveState(page)).toHaveText(/Saved at/);
}

/** Leaves the page before its machine stops, so that it asks nothing of a machine that is gone. */
export async function leave(page: Page): Promise<void> {
  await page.goto("about:blank");
}

/** Opens a draft and waits until it can be written in. */
export async function open(page: Page, machine: Machine, id: string): Promise<void> {
  await page.goto(`${machine.url}/prompt-workshop?draft_id=${id}`);
  await expect(editor(page)).toBeVisible();
}

/** Writes at the end of the draft. */
export async function write(page: Page, words: string): Promise<void> {
  await editor(page).click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type(words);
}

/** The text in the editor, line breaks and all. */
export async function text(page: Page): Promise<string> {
  return (await editor(page).locator(".cm-line").allInnerTexts())
    .map((line) => line.replace(/\n$/, ""))
    .join("\n");
}
