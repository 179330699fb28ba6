/** Nothing typed is lost, whatever ends meanwhile: the server, the tab, the browser, the network, the token. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page } from "@playwright/test";
import { launchOptions } from "./playwright.config";
import { tested } from "./prepare";
import { editor, expect, OFFLINE, open, saved, saveState, TEXT, test, text, write } from "./workshop";

const message = (page: Page) => page.getByRole("textbox", { name: "Message to the assistant" });

test("what is typed is saved by itself, and the page says when", async ({ page, machine }) => {
  const id = await machine.draft(TEXT);
  await open(page, machine, id);
  await write(page, "\nSay what is not known.");
  await expect(saveState(page)).toHaveText(/Edited, saving soon/);
  await expect(saveState(page)).toHaveText(/Saved at/);
  const saved = await machine.saved(id);
  expect(saved.draft_content).toBe(`${TEXT}\nSay what is not known.`);
  expect(saved.revision).toBe(2);
});

test("a text typed while the server is dead is saved when it lives again", async ({
  page,
  machine,
  quiet,
}) => {
  quiet.allow(OFFLINE);
  const id = await machine.draft(TEXT);
  await open(page, machine, id);
  await machine.kill();
  await write(page, "\nTyped without a server.");
  await expect(saveState(page)).toHaveText(/No connection; your text is kept in this browser/);
  await machine.start();
  await expect(saveState(page)).toHaveText(/Saved at/, { timeout: 30_000 });
  expect((await machine.saved(id)).draft_content).toBe(`${TEXT}\nTyped without a server.`);
});

test("a reload while the server is dead shows the page and the text", async ({ page, machine, quiet }) => {
  quiet.allow(OFFLINE);
  const id = await machine.draft(TEXT);
  await open(page, machine, id);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await machine.kill();
  await write(page, "\nTyped before the reload.");
  await expect(saveState(page)).toHaveText(/kept in this browser/);
  await page.reload();
  await expect(editor(page)).toContainText("Typed before the reload.");
  await write(page, "\nAnd after it.");
  await machine.start();
  await expect(saveState(page)).toHaveText(/Saved at/, { timeout: 30_000 });
  expect((await machine.saved(id)).draft_content).toBe(`${TEXT}\nTyped before the reload.\nAnd after it.`);
});

test("a reload right after a keystroke loses nothing", async ({ page, machine }) => {
  const id = await machine.draft(TEXT);
  await open(page, machine, id);
  await write(page, "\nLast words");
  await page.reload();
  await expect(editor(page)).toContainText("Last words");
  await expect(saveState(page)).toHaveText(/Saved at/);
  expect((await machine.saved(id)).draft_content).toBe(`${TEXT}\nLast words`);
});

test("a reload while the browser's storage is busy loses nothing", async ({ page, context, machine }) => {
  const id = await machine.draft(TEXT);
  await open(page, machine, id);
  // Another tab's transaction, which every write waits for.
  const other = await context.newPage();
  await other.goto(`${machine.url}/library`);
  const release = await other.evaluateHandle(
    () =>
      new Promise<() => void>((resolve) => {
        indexedDB.open("workshop").onsuccess = (event) => {
          const database = (event.target as IDBOpenDBRequest).result;
          const typed = database.transaction(["typed", "bases"], "readwrite").objectStore("typed");
          let isHeld = true;
          const hold = (): void => {
            if (isHeld) typed.get("").onsuccess = hold;
          };
          hold();
          resolve(() => {
            isHeld = false;
            database.close();
          });
        };
      }),
  );
  await page.bringToFront();
  await page.route("**/workshop/drafts/*", (route) =>
    route.request().method() === "PUT" ? route.abort() : route.continue(),
  );
  await write(page, "\nLast words");
  await page.reload();
  await page.unroute("**/workshop/drafts/*");
  await release.evaluate((stop) => stop());
  await expect(editor(page)).toContainText("Last words");
  await expect(saveState(page)).toHaveText(/Saved at/);
  expect((await machine.saved(id)).draft_content).toBe(`${TEXT}\nLast words`);
});

test("a tab that crashes leaves its text to the next one", async ({ page, context, machine, quiet }) => {
  quiet.allow(/crash|net::ERR/i);
  const id = await machine.draft(TEXT);
  await open(page, machine, id);
  await page.route("**/workshop/drafts/*", (route) =>
    route.request().method() === "PUT" ? route.abort() : route.continue(),
  );
  await write(page, "\nTyped before the crash.");
  await expect(saveState(page)).toHaveText(/your text is kept in this browser/);
  const crashed = page.waitForEvent("crash");
  const session = await context.newCDPSession(page);
  void session.send("Page.crash").catch(() => {});
  await crashed;
  expect((await machine.saved(id)).draft_content).toBe(TEXT);

  const next = await context.newPage();
  await open(next, machine, id);
  await expect(editor(next)).toContainText("Typed before the crash.");
  await expect(next.getByText("Text that had not been saved was restored from this browser.")).toBeVisible();
  await expect(saveState(next)).toHaveText(/Saved at/);
  expect((await machine.saved(id)).draft_content).toBe(`${TEXT}\nTyped before the crash.`);
});

test("a browser killed when it has said that it keeps the text has it when it is opened again", async ({
  machine,
}) => {
  const profile = mkdtempSync(join(tmpdir(), "workshop-profile-"));
  try {
    const id = await machine.draft(TEXT);
    const before = await chromium.launchPersistentContext(profile, launchOptions);
    const page = await before.newPage();
    await open(page, machine, id);
    // The server never gets it: what is there afterwards can only come from the browser.
    await page.route("**/workshop/drafts/*", (route) =>
      route.request().method() === "PUT" ? route.abort() : route.continue(),
    );
    await write(page, "\nTyped before the kill.");
    await expect(saveState(page)).toHaveText(/your text is kept in this browser/);
    execFileSync("pkill", ["-KILL", "-f", "--", `--user-data-dir=${profile}`]);
    await before.close().catch(() => {});
    expect((await machine.saved(id)).draft_content).toBe(TEXT);

    const after = await chromium.launchPersistentContext(profile, launchOptions);
    const next = await after.newPage();
    await open(next, machine, id);
    await expect(editor(next)).toContainText("Typed before the kill.");
    await expect(saveState(next)).toHaveText(/Saved at/);
    await after.close();
    expect((await machine.saved(id)).draft_content).toBe(`${TEXT}\nTyped before the kill.`);
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
});

test("a lost network keeps the text, over a reload too, and saves it when it is back", async ({
  page,
  context,
  machine,
  quiet,
}) => {
  quiet.allow(OFFLINE);
  const id = await machine.draft(TEXT);
  await open(page, machine, id);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await context.setOffline(true);
  await write(page, "\nOn a train.");
  await expect(saveState(page)).toHaveText(/No connection/);
  await page.reload();
  await expect(editor(page)).toContainText("On a train.");
  await context.setOffline(false);
  await expect(saveState(page)).toHaveText(/Saved at/);
  expect((await machine.saved(id)).draft_content).toBe(`${TEXT}\nOn a train.`);
});

test("without a server the drafts kept in this browser are listed, and open", async ({
  page,
  machine,
  quiet,
}) => {
  quiet.allow(OFFLINE);
  const id = await machine.draft(TEXT, "Read on a train");
  await open(page, machine, id);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await machine.kill();
  await page.goto(machine.url);
  await expect(page.getByText("The workshop's server doesn't answer.").first()).toBeVisible();
  await page.getByRole("link", { name: "Read on a train" }).click();
  await expect(editor(page)).toContainText("You are a research analyst");
  await machine.start();
  await expect(saveState(page)).toHaveText(/Saved at/, { timeout: 30_000 });
});

test("an expired token is renewed, and the save goes through", async ({ page, machine, quiet }) => {
  quiet.allow(/401/);
  await page.goto(`${machine.url}/settings`);
  await page.getByLabel(/name/i).last().fill("ada");
  await page.keyboard.press("Enter");
  await expect(page.getByText("as ada")).toBeVisible();
  await page.goto(`${machine.url}/prompt-workshop`);
  await page.getByRole("button", { name: "Start with a blank draft" }).click();
  await expect(editor(page)).toBeVisible();
  await expire(page);
  await saved(page, () => write(page, "Typed with an expired token."));
  await page.reload();
  await expect(editor(page)).toContainText("Typed with an expired token.");

  // And when it can't be renewed, the text stays and the page says so.
  quiet.allow(OFFLINE);
  await page.route("**/local/token", (route) => route.abort());
  await expire(page);
  await write(page, " And nobody renews it.");
  await expect(saveState(page)).toHaveText(/Not saved: .* Your text is kept in this browser/);
  await page.unroute("**/local/token");
  await page.getByRole("button", { name: "Try now" }).click();
  await expect(saveState(page)).toHaveText(/Saved at/);
});

/** Has the next save come with a token that the server really refuses, as it does an old one. */
async function expire(page: Page): Promise<void> {
  await page.route(
    "**/workshop/drafts/*",
    async (route) => {
      const headers = await route.request().allHeaders();
      const token = (headers.authorization ?? "").slice(0, -8);
      await route.continue({ headers: { ...headers, authorization: `${token}AAAAAAAA` } });
    },
    { times: 1 },
  );
}

test("a message that didn't get through is there to be sent again, and arrives once", async ({
  page,
  machine,
  model,
  quiet,
}) => {
  quiet.allow(OFFLINE);
  model.answer = "Understood.";
  const id = await machine.draft(TEXT);
  await open(page, machine, id);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await machine.kill();
  await message(page).fill("Make it shorter, please.");
  await page.keyboard.press("Control+Enter");
  await expect(page.getByText("Not sent.")).toBeVisible();
  await page.reload();
  await expect(page.getByText("Make it shorter, please.")).toBeVisible();
  await machine.start();
  await page.reload();
  await page.getByRole("button", { name: "Send again" }).click();
  await expect(page.getByText("Understood.")).toBeVisible();
  const { messages } = await machine.ask<{ messages: { role: string; content: string }[] }>(
    "GET",
    `/auspex/chat/sessions/${id}/messages`,
  );
  expect(messages.filter((each) => each.content === "Make it shorter, please.")).toHaveLength(1);
});

test("an answer goes on when its reader reloads, and is shown to its end", async ({
  page,
  machine,
  model,
}) => {
  model.answer = `Here is a long answer: ${"word ".repeat(40)}and this is its end.`;
  model.pace = 100;
  const id = await machine.draft(TEXT);
  await open(page, machine, id);
  await message(page).fill("Tell me everything.");
  await page.keyboard.press("Control+Enter");
  await expect(page.getByText("Here is a long answer")).toBeVisible();
  await page.reload();
  await expect(page.getByText("and this is its end.")).toBeVisible({ timeout: 30_000 });
  model.pace = 0;
  await expect(page.getByText("Tell me everything.")).toHaveCount(1);
});

test("what is typed into the fields around the draft survives a reload", async ({ page, machine }) => {
  const id = await machine.draft(TEXT);
  await open(page, machine, id);
  await message(page).fill("A thought not sent yet");
  await page.getByRole("tab", { name: "Test" }).click();
  await page.getByLabel("Question").fill("What is a question not asked yet?");
  await page.reload();
  await expect(message(page)).toHaveValue("A thought not sent yet");
  await page.getByRole("tab", { name: "Test" }).click();
  await expect(page.getByLabel("Question")).toHaveValue("What is a question not asked yet?");
  await page.goto(`${machine.url}/prompt-workshop`);
  await page.getByLabel("What should the prompt do?").fill("Briefs, not started yet");
  await page.reload();
  await expect(page.getByLabel("What should the prompt do?")).toHaveValue("Briefs, not started yet");
});

test("a test whose start was answered into the void is started once", async ({ page, machine, quiet }) => {
  quiet.allow(OFFLINE);
  const id = await machine.draft(`${TEXT}\n${TEXT}`);
  await open(page, machine, id);
  await page.getByRole("tab", { name: "Test" }).click();
  await page.getByLabel("Question").fill("What do the surveys say about adoption?");
  await expect(page.getByLabel("Topic")).not.toHaveValue("");
  // The server does its part; its answer is lost on the way.
  await page.route("**/test", async (route) => {
    await route.fetch();
    await route.abort();
  });
  await page.getByRole("button", { name: "Run the test" }).click();
  await expect(page.getByText("The workshop's server doesn't answer.")).toBeVisible();
  await page.unroute("**/test");
  await page.getByRole("button", { name: "Run the test" }).click();
  await expect(page.getByRole("article", { name: "Test run" })).toBeVisible();
  const runs = await machine.ask<{ total_tests: number }>(
    "GET",
    `/auspex/prompts/workshop/drafts/${id}/tests`,
  );
  expect(runs.total_tests).toBe(1);
});

test("the text of a draft that was deleted elsewhere stays, and becomes a new draft", async ({
  page,
  machine,
  quiet,
}) => {
  quiet.allow(/404/);
  const id = await machine.draft(TEXT, "Deleted elsewhere");
  await open(page, machine, id);
  await machine.ask("DELETE", `/auspex/prompts/workshop/drafts/${id}`);
  await write(page, "\nTyped after the deletion.");
  await expect(page.getByText("This draft was deleted elsewhere, or it expired.")).toBeVisible();
  await page.getByRole("button", { name: "Make a new draft of it" }).click();
  await expect(page).not.toHaveURL(new RegExp(id));
  await expect(editor(page)).toContainText("Typed after the deletion.");
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("Deleted elsewhere");
  expect(await text(page)).toBe(`${TEXT}\nTyped after the deletion.`);
});

test("a draft deleted by mistake is brought back", async ({ page, machine }) => {
  await machine.draft(TEXT, "Keep me after all");
  await page.goto(machine.url);
  await page.getByRole("button", { name: "Delete Keep me after all" }).click();
  await expect(page.getByRole("link", { name: "Keep me after all" })).toHaveCount(0);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("link", { name: "Keep me after all" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("link", { name: "Keep me after all" })).toBeVisible();
});

test("of ratings given faster than they are saved, the last one stays", async ({ page, machine, model }) => {
  model.answer = "Two in five firms tried it.";
  const id = await machine.draft(TEXT);
  const run = await tested(machine, id, { query: "What do surveys say about AI adoption?" });
  // The first one is slow on its way: the server would hear of the second before it.
  const runs = `${machine.url}/api/auspex/prompts/workshop/drafts/${id}/tests/${run.test_id}`;
  let isFirst = true;
  await page.route(runs, async (route) => {
    if (route.request().method() === "PATCH" && isFirst) {
      isFirst = false;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    await route.continue();
  });
  await open(page, machine, id);
  await page.getByRole("tab", { name: "History" }).click();
  await page.getByRole("button", { name: "What do surveys say about AI adoption?" }).click();
  const first = page.waitForResponse((answer) => /"user_rating":2/.test(answer.request().postData() ?? ""));
  await page.getByRole("radio", { name: /^2 of 5/ }).check();
  await page.getByRole("radio", { name: /^4 of 5/ }).check();
  const notes = page.getByRole("textbox", { name: "Notes" });
  await notes.fill("Cite each figure.");
  await notes.blur();
  await first;
  await expect(page.locator(".verdict:visible")).toContainText("Saved.");
  await expect(page.getByRole("radio", { name: /^4 of 5/ })).toBeChecked();
  const kept = await (await fetch(runs)).json();
  expect([kept.user_rating, kept.notes]).toEqual([4, "Cite each figure."]);
});
