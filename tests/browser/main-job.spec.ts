/**
 * The main job with the real small model, as a newcomer does it: talk, draft,
 * test, rate, improve, commit, clone. What the model says is its own affair;
 * that it says it, and what becomes of it, is ours.
 */
import { Machine } from "./machine";
import { editor, expect, leave, saved, saveState, test, write } from "./workshop";

const PROMPT = [
  "# Role",
  "You are a research analyst who writes weekly briefs on AI adoption for executives.",
  "",
  "# Research",
  "Use only the articles you are given. Prefer surveys and official figures, the newest first.",
  "",
  "# Form",
  "A headline, three short bullet points, one sentence on what the articles do not tell.",
  "",
  "# Sources",
  "Cite every claim as a Markdown link to its article.",
].join("\n");

test("from a need to a prompt that others clone", async ({ page, quiet }) => {
  test.setTimeout(600_000);
  // A free name is one that nothing is found under.
  quiet.allow(/404/);
  const machine = await Machine.withSmallModel();
  try {
    await page.setViewportSize({ width: 1440, height: 960 });
    await page.goto(machine.url);

    // A need becomes a conversation, and the real model answers word by word.
    await page
      .getByLabel("What should the prompt do?")
      .fill("Weekly briefs on AI adoption for executives, with sources");
    await page.getByRole("button", { name: "Start the conversation" }).click();
    const answers = page.getByRole("log").locator("article.assistant");
    await expect(answers).toHaveCount(2, { timeout: 300_000 });
    // How long it goes on is its own affair, too: an answer of ten words was over before a look for "Stop".
    await expect(answers.last().locator(".prose")).toHaveText(/\w+/, { timeout: 300_000 });
    await expect(page.getByRole("button", { name: "Send" })).toBeVisible({ timeout: 300_000 });

    // The draft is written and saved by itself.
    await saved(page, async () => {
      await editor(page).click();
      await page.keyboard.insertText(PROMPT);
    });
    await saved(page, async () => {
      await page.getByLabel("Name", { exact: true }).fill("Weekly brief on AI adoption");
      await page.getByLabel("Description").fill("One page for executives, every claim with its source");
    });

    // A test runs on the sample articles, and its answer grows beside the prompt.
    await page.getByRole("tab", { name: "Test" }).click();
    await page.getByLabel("Question").fill("What do surveys say about AI adoption in the last 60 days?");
    await page.getByLabel("Topic").selectOption("AI Adoption");
    await page.getByLabel("Articles at most").fill("5");
    await page.getByRole("button", { name: "Run the test" }).click();
    const run = page.getByRole("article", { name: "Test run" });
    await expect(run.getByText(/Waiting to start|Running/)).toBeVisible();
    await expect(run.getByText(/^(Done|Cut off: it reached its length)$/)).toBeVisible({ timeout: 300_000 });
    await expect(run.getByRole("region", { name: "Answer", exact: true })).toHaveText(/\w{3,}/);
    await expect(run.getByRole("heading", { name: /article.* given/ })).toBeVisible();
    await expect(run.getByText("You are a research analyst")).toBeVisible();

    // It is rated, and the rating and the notes stay.
    await run.getByRole("radio", { name: /^2 of 5/ }).check();
    await run.getByLabel("Notes").fill("No sources in the answer.");
    await run.getByLabel("Notes").blur();
    await expect(run.getByText("Saved.", { exact: true })).toBeVisible();
    await run.evaluate((shown) => shown.scrollIntoView());
    expect(await page.evaluate(() => scrollY), "the panel scrolls, and not the page").toBe(0);
    await page.reload();
    await page.getByRole("tab", { name: /^History/ }).click();
    await expect(page.getByRole("img", { name: "rated 2 of 5" })).toBeVisible();

    // It is committed under a name proposed from its title, and offered in the library.
    await page.getByRole("button", { name: "Commit to the library" }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.getByLabel("Name")).toHaveValue("weekly_brief_on_ai_adoption");
    await expect(dialog.getByText("The name is free.")).toBeVisible();
    await dialog.getByRole("button", { name: "Commit" }).click();
    await dialog.getByRole("link", { name: "See it in the library" }).click();
    await expect(page.getByRole("heading", { name: "Weekly brief on AI adoption", level: 1 })).toBeVisible();
    await expect(page.getByText("You are a research analyst")).toBeVisible();

    // Someone clones it, changes a line, and the commit says what it would replace.
    await page.goto(`${machine.url}/prompt-workshop?clone=weekly_brief_on_ai_adoption`);
    await expect(editor(page)).toContainText("You are a research analyst");
    const clone = new URL(page.url()).searchParams.get("draft_id");
    await saved(page, () => write(page, "\nName the article's date."));
    await page.getByRole("button", { name: "Commit to the library" }).click();
    await dialog.getByLabel("Name").fill("weekly_brief_on_ai_adoption");
    await expect(dialog.getByText(/This becomes version 2 of/)).toBeVisible();
    await dialog.getByRole("button", { name: "Commit version 2" }).click();
    await expect(dialog.getByText("has version 2 now")).toBeVisible();
    await dialog.getByRole("link", { name: "See it in the library" }).click();

    const prompt = await machine.ask<{ version: number; content: string; clone_count: number }>(
      "GET",
      "/auspex/prompts/weekly_brief_on_ai_adoption",
    );
    expect(prompt).toMatchObject({
      version: 2,
      clone_count: 1,
      content: `${PROMPT}\nName the article's date.`,
    });
    expect(clone).not.toBeNull();
    await leave(page);
  } finally {
    await machine.stop();
  }
});

test("a proposal is announced, shown as differences, and applied change by change or whole", async ({
  page,
  machine,
  model,
}) => {
  const draft = "You are an analyst.\n\nCite sources.\n\nBe brief.";
  const proposal = "You are a careful analyst.\n\nCite sources.\n\nUse at most 100 words.";
  model.answer = `I assumed that the readers are executives.\n\n\`\`\`\n${proposal}\n\`\`\`\n`;
  const id = await machine.draft(draft);
  await page.goto(`${machine.url}/prompt-workshop?draft_id=${id}`);
  await page.getByRole("textbox", { name: "Message to the assistant" }).fill("Propose something better.");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("button", { name: "Extract draft new proposal" }).click();

  const changes = page.getByRole("region", { name: /^Change \d/ });
  await expect(changes).toHaveCount(2);
  await changes.last().getByRole("button", { name: "Apply this change" }).click();
  await expect(changes).toHaveCount(1);
  await expect(saveState(page)).toHaveText(/Saved at/);
  await expect
    .poll(async () => (await machine.saved(id)).draft_content)
    .toBe("You are an analyst.\n\nCite sources.\n\nUse at most 100 words.");

  await page.getByRole("button", { name: "Apply all" }).click();
  await expect(editor(page)).toContainText("You are a careful analyst.");
  await expect.poll(async () => (await machine.saved(id)).draft_content).toBe(proposal);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(editor(page)).toContainText("You are an analyst.");
});

test("an answer is stopped, what there is of it is kept, and it can be asked for again", async ({
  page,
  machine,
  model,
}) => {
  model.answer = `It begins well ${"and goes on ".repeat(300)}`;
  model.pace = 50;
  const id = await machine.draft(PROMPT);
  await page.goto(`${machine.url}/prompt-workshop?draft_id=${id}`);
  await page.getByRole("textbox", { name: "Message to the assistant" }).fill("Tell me a long story.");
  await page.keyboard.press("Control+Enter");
  await expect(page.getByText(/It begins well and goes on/)).toBeVisible();
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(page.getByText("You stopped this answer. What there is of it is kept.")).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Message to the assistant" })).toBeFocused();
  await expect(page.getByText(/It begins well and goes on/)).toBeVisible();
  model.answer = "This time it is short.";
  model.pace = 0;
  await page.getByRole("button", { name: "Ask again" }).click();
  await expect(page.getByText("This time it is short.")).toBeVisible();
  await expect(page.getByText("Tell me a long story.")).toHaveCount(1);
});

test("an answer that breaks off says why, after a reload as well, and the conversation goes on", async ({
  page,
  machine,
  model,
  quiet,
}) => {
  quiet.allow(/Failed to load resource/);
  model.broken = [
    { delta: { reasoning_content: "First the reader." } },
    { delta: { content: "It begins well and" } },
  ];
  const id = await machine.draft(PROMPT);
  await page.goto(`${machine.url}/prompt-workshop?draft_id=${id}`);
  const field = page.getByRole("textbox", { name: "Message to the assistant" });
  const why = page.getByText("The connection to the model broke before its answer was complete.");
  await field.fill("Tell me a story.");
  await page.keyboard.press("Control+Enter");
  const isShown = async (): Promise<void> => {
    await expect(why).toHaveCount(1);
    await expect(page.getByText("It begins well and")).toBeVisible();
    await expect(page.getByText("Thought, 3 words")).toBeVisible();
    await expect(page.getByText("First the reader.")).toBeHidden();
    await expect(page.getByText("The answer is being written")).toHaveCount(0);
    await expect(page.getByRole("button", { name: "Ask again" })).toBeEnabled();
  };
  await isShown();
  await page.reload();
  await isShown();
  // Another message can be sent at once, and why the answer ended stays beside it.
  model.answer = "<think>Now the form.</think>It goes on.";
  await field.fill("Go on.");
  await page.keyboard.press("Control+Enter");
  await expect(page.getByText("It goes on.", { exact: true })).toBeVisible();
  await expect(page.getByText("Now the form.")).toBeHidden();
  await expect(why).toHaveCount(1);

  // A try without a word says it at the message that it was for, and isn't repeated by a reload.
  model.broken = [{ delta: { refusal: "I can't tell this one." }, finish_reason: "stop" }];
  await field.fill("And the end?");
  await page.keyboard.press("Control+Enter");
  const declined = page.getByText("I can't tell this one.");
  await expect(declined).toHaveCount(1);
  await page.reload();
  await expect(declined).toHaveCount(1);
  model.answer = "This is the end.";
  await page.getByRole("button", { name: "Ask for the answer" }).click();
  await expect(page.getByText("This is the end.")).toBeVisible();
  await expect(declined).toHaveCount(0);
});

test("a running test is cancelled, and two runs are compared", async ({ page, machine, model }) => {
  const id = await machine.draft(PROMPT);
  await page.goto(`${machine.url}/prompt-workshop?draft_id=${id}&topic=AI%20Adoption`);
  await page.getByLabel("Question").fill("What do surveys say about AI adoption?");
  model.answer = "A first answer, whole.";
  await page.getByRole("button", { name: "Run the test" }).click();
  const run = page.getByRole("article", { name: "Test run" });
  await expect(run.getByText("A first answer, whole.")).toBeVisible();
  await expect(run.getByText("Done", { exact: true })).toBeVisible();

  model.answer = `A second answer ${"that goes on ".repeat(200)}`;
  model.pace = 100;
  await run.getByRole("button", { name: "Run again" }).click();
  await expect(run.getByText(/A second answer that goes on/)).toBeVisible();
  await run.getByRole("button", { name: "Cancel" }).click();
  await expect(run.getByText("Cancelled")).toBeVisible();
  await expect(run.getByRole("button", { name: "Run again" })).toBeFocused();
  model.pace = 0;

  await page.getByRole("tab", { name: /^History/ }).click();
  const rows = page.getByRole("list", { name: "Test runs, newest first" }).getByRole("listitem");
  await expect(rows).toHaveCount(2);
  for (const box of await rows.getByRole("checkbox").all()) await box.check();
  await page.getByRole("button", { name: "Compare the two" }).click();
  const compared = page.getByRole("tabpanel", { name: /^History/ });
  await expect(compared.getByText("A first answer, whole.")).toBeVisible();
  await expect(compared.getByText(/A second answer that goes on/)).toBeVisible();
  await page.getByRole("button", { name: "← All runs" }).click();
  await page.getByLabel("State").selectOption("cancelled");
  await expect(rows).toHaveCount(1);
});
