/** A test run through the wire of each family of models that call tools, as its user sees it. */
import { Machine } from "./machine";
import { ANSWER, serveWires, WIRES } from "./wires";
import { test as base, expect, TEXT } from "./workshop";

const test = base.extend<object, { machine: Machine }>({
  machine: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads from the pattern which fixtures are needed.
    async ({}, use) => {
      const wires = await serveWires();
      const machine = await Machine.withModels(wires.models);
      await use(machine);
      await machine.stop();
      await wires.stop();
    },
    { scope: "worker" },
  ],
});

for (const { name, count, thought } of WIRES) {
  test(`a run of a model on the wire of ${name} finds articles and answers`, async ({ page, machine }) => {
    const id = await machine.draft(TEXT);
    await page.goto(`${machine.url}/prompt-workshop?draft_id=${id}&topic=AI%20Adoption`);
    await page.getByLabel("Question").fill("What do surveys say about AI adoption?");
    await page.locator("#test-model").selectOption(name);
    await page.getByRole("button", { name: "Run the test" }).click();
    const run = page.getByRole("article", { name: "Test run" });
    await expect(run.getByText("Done", { exact: true })).toBeVisible();
    const answer = run.getByRole("region", { name: "Answer", exact: true });
    await expect(answer.getByText(ANSWER, { exact: true })).toBeVisible();
    await expect(run.getByRole("heading", { name: /^[1-9]\d* articles? given/ })).toBeVisible();
    await expect(run.locator(".calls > summary")).toHaveCount(count > 0 ? 1 : 0);
    if (count > 0) {
      await expect(run.locator(".calls > summary")).toContainText(
        count === 1 ? "1 tool call" : `${count} tool calls`,
      );
      await expect(run.getByText("Error", { exact: true })).toHaveCount(0);
    } else {
      await expect(run.getByText(/This model takes no tools/)).toBeVisible();
    }
    // What it thought is folded, and no part of the answer.
    await expect(answer.locator("summary")).toHaveText(thought === undefined ? [] : [thought]);
    await expect(run.getByText("5 words", { exact: false }).first()).toBeVisible();
  });
}
