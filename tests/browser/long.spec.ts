/**
 * Long texts and long histories: everything arrives, and the page stays usable.
 * How fast it is stands in `make bench`.
 */
import type { Page } from "@playwright/test";
import { LETTERS, longText, seeded } from "./prepare";
import { expect, open, saveState, test } from "./workshop";

const RUNS = 10_000;

const TEXTS = {
  "of many lines": longText(LETTERS - 100),
  "of one line": "All that follows stands on a line of its own. "
    .repeat(LETTERS / 46)
    .slice(0, LETTERS - 100),
};

/** The newest text that the browser itself has of the draft. */
const journalled = (page: Page, id: string): Promise<string | undefined> =>
  page.evaluate(
    (draft) =>
      new Promise<string | undefined>((resolve, reject) => {
        const opening = indexedDB.open("workshop");
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const asked = opening.result.transaction("typed").objectStore("typed").index("draft").getAll(draft);
          asked.onerror = () => reject(asked.error);
          asked.onsuccess = () => {
            opening.result.close();
            resolve(asked.result.sort((a, b) => b.at - a.at)[0]?.fields.content);
          };
        };
      }),
    id,
  );

for (const [kind, given] of Object.entries(TEXTS)) {
  test(`a draft as long as one can be, ${kind}, takes every key in its middle and at its end`, async ({
    page,
    machine,
  }) => {
    const id = await machine.draft("", "A long one");
    // A mark half-way, which the editor's own search finds and the typing replaces.
    const half = Math.floor(given.length / 2);
    await machine.save(id, `${given.slice(0, half)}@@@${given.slice(half)}`);
    await open(page, machine, id);
    const editor = page.getByRole("textbox", { name: "Text of the prompt" });
    await editor.click();
    await page.keyboard.press("Control+f");
    await page.getByRole("textbox", { name: "Find" }).pressSequentially("@@@");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Escape");
    await expect(editor).toBeFocused();
    await page.keyboard.type("thirty keys in the middle, yes");
    await page.keyboard.press("Control+End");
    await page.keyboard.type(" and thirty of them at the end");
    const written = `${given.slice(0, half)}thirty keys in the middle, yes${given.slice(half)} and thirty of them at the end`;

    await expect.poll(() => journalled(page, id)).toBe(written);
    await expect(saveState(page)).toHaveText(/Saved at/);
    await expect.poll(async () => (await machine.saved(id)).draft_content).toBe(written);
    // Only what is in sight is in the document.
    expect(await editor.locator(".cm-line").count()).toBeLessThan(200);
    await page.reload();
    await expect(editor).toBeVisible();
    expect((await machine.saved(id)).draft_content).toBe(written);
  });
}

test("a history of ten thousand runs is scrolled to its end, filtered, and its last run opened", async ({
  page,
  machine,
}) => {
  test.setTimeout(240_000);
  const id = await machine.draft("A prompt that was tested very often. ".repeat(4), "Tested often");
  await seeded(machine, id, RUNS);
  await open(page, machine, id);
  await page.getByRole("tab", { name: /^History/ }).click();
  const panel = page.getByRole("tabpanel", { name: /^History/ });
  const rows = panel.locator(".history-row");
  const most = { rows: 0 };
  await expect(panel.getByText("10,000 runs")).toBeVisible();
  await expect(rows.first()).toContainText("Question 1:");

  // Down to the end of what is loaded, again and again, as one who holds the key does.
  const list = panel.getByRole("list", { name: "Test runs, newest first" });
  const toEnd = (): Promise<void> => list.evaluate((element) => element.scrollIntoView({ block: "end" }));
  await expect
    .poll(
      async () => {
        await toEnd();
        most.rows = Math.max(most.rows, await rows.count());
        return rows.last().innerText();
      },
      { timeout: 180_000, intervals: [100] },
    )
    .toContain(`Question ${RUNS}:`);
  expect(most.rows).toBeLessThan(200);
  await expect(panel.getByText(/loading more/)).toHaveCount(0);
  expect(await rows.last().locator("xpath=..").getAttribute("aria-posinset")).toBe(String(RUNS));
  expect(await rows.last().locator("xpath=..").getAttribute("aria-setsize")).toBe(String(RUNS));

  // The last one, with what it was asked and what it answered.
  await rows.last().getByRole("button").click();
  const run = panel.getByRole("article", { name: "Test run" });
  await expect(run).toContainText(`Question ${RUNS}:`);
  await expect(run).toContainText(`Answer ${RUNS} says what the articles tell`);
  await panel.getByRole("button", { name: "All runs" }).click();

  // Every tenth failed, from the third on; of the rated ones each rating is every tenth.
  await panel.getByLabel("State").selectOption("failed");
  await expect(panel.getByText("1,000 of 10,000 looked at")).toBeVisible();
  await expect(rows.first()).toContainText("Question 3:");
  await toEnd();
  await expect(rows.last()).toContainText("Question 9993:");
  await panel.getByLabel("Rating").selectOption("4");
  await expect(panel.getByText("No run of this draft is like that.")).toBeVisible();
  await panel.getByLabel("State").selectOption("succeeded");
  await expect(rows.first()).toContainText("Question 6:");
  await expect(rows.first().getByRole("img", { name: "rated 4 of 5" })).toBeVisible();
  expect(await rows.count()).toBeLessThan(200);
});
