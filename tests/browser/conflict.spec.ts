/** Two people, or one person twice, in the same draft: nobody's words go under. */
import { editor, expect, open, saved, saveState, TEXT, test, text, watch, write } from "./workshop";

test("changes in different places are both kept", async ({ page, machine, quiet }) => {
  quiet.allow(/412/);
  const id = await machine.draft(TEXT);
  await open(page, machine, id);
  await machine.save(id, TEXT.replace("executives", "ministers"));
  await write(page, "\nEnd with open questions.");
  await expect(page.getByText("Changes that were saved elsewhere are in the text now.")).toBeVisible();
  await expect(saveState(page)).toHaveText(/Saved at/);
  const { draft_content } = await machine.saved(id);
  expect(draft_content).toContain("briefs for ministers");
  expect(draft_content).toContain("End with open questions.");
  expect(await text(page)).toBe(draft_content);
});

test("two browsers that change the same line: the second chooses, and nothing is gone before", async ({
  page,
  browser,
  machine,
  quiet,
}) => {
  quiet.allow(/412/);
  const id = await machine.draft(TEXT);
  const other = await browser.newContext();
  const complaints: string[] = [];
  watch(other, complaints);
  const theirs = await other.newPage();
  await open(page, machine, id);
  await open(theirs, machine, id);
  await saved(theirs, () => write(theirs, " By them."));
  await write(page, " By me.");
  await expect(saveState(page)).toHaveText(/Waiting for your choice; your text is kept in this browser/);
  await expect(page.getByRole("group").getByText("At most one page, the newest first. By me.")).toBeVisible();
  await expect(
    page.getByRole("group").getByText("At most one page, the newest first. By them."),
  ).toBeVisible();

  // A reload in the middle of it asks again.
  await page.reload();
  await expect(page.getByRole("heading", { name: "1 place changed here and elsewhere" })).toBeVisible();
  await expect(page.getByRole("button", { name: "0 of 1 chosen" })).toBeDisabled();
  await page.getByLabel("Both, mine first").check();
  await page.getByRole("button", { name: "Use this text" }).click();
  await expect(saveState(page)).toHaveText(/Saved at/);
  const merged = `${TEXT} By me.\nAt most one page, the newest first. By them.`;
  expect((await machine.saved(id)).draft_content).toBe(merged);
  expect(await text(page)).toBe(merged);

  // The first one sees it when they come back to it.
  await theirs.reload();
  await expect(editor(theirs)).toContainText("By me.");
  await other.close();
  expect(complaints).toEqual([]);
});

for (const [choice, expected] of [
  ["All mine", `${TEXT} By me.`],
  ["All theirs", `${TEXT} By them.`],
] as const) {
  test(`"${choice}" takes that side`, async ({ page, machine, quiet }) => {
    quiet.allow(/412/);
    const id = await machine.draft(TEXT);
    await open(page, machine, id);
    await machine.save(id, `${TEXT} By them.`);
    await write(page, " By me.");
    await page.getByRole("button", { name: choice }).click();
    await page.getByRole("button", { name: "Use this text" }).click();
    await expect(saveState(page)).toHaveText(/Saved at/);
    expect((await machine.saved(id)).draft_content).toBe(expected);
  });
}

test("a save in one tab shows in the other at once", async ({ page, context, machine }) => {
  const id = await machine.draft(TEXT);
  const second = await context.newPage();
  await open(page, machine, id);
  await open(second, machine, id);
  await write(second, "\nFrom the other tab.");
  await expect(editor(page)).toContainText("From the other tab.");
});

test("two tabs that type at the same time lose no word of either", async ({
  page,
  context,
  machine,
  quiet,
}) => {
  quiet.allow(/412/);
  const id = await machine.draft(TEXT);
  const second = await context.newPage();
  await open(page, machine, id);
  await open(second, machine, id);
  await write(second, "\nFrom the second tab.");
  await page.bringToFront();
  await editor(page).click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("From the first tab.\n");
  await expect
    .poll(async () => (await machine.saved(id)).draft_content, { timeout: 20_000 })
    .toBe(`From the first tab.\n${TEXT}\nFrom the second tab.`);
});
