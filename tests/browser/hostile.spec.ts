/**
 * What models, articles and other people's prompts say is untrusted: it is
 * shown, and does nothing. It never gets so far that the Content-Security-Policy
 * has to stop it; hostile-sites.spec.ts shows that the policy would.
 */
import { Beacon, expectPure, guard, tricks } from "./attacker";
import { articles, commit, converse, tested } from "./prepare";
import * as standIn from "./stand-in";
import { expect, open, TEXT, test } from "./workshop";

let beacon: Beacon;
test.beforeAll(async () => {
  beacon = await Beacon.start();
});
test.afterAll(() => beacon.stop());

test("a hostile answer in the conversation does nothing, whole or while it is being written", async ({
  page,
  machine,
  model,
}) => {
  const draft = await machine.draft(TEXT);
  const each = tricks(beacon.url);
  for (const trick of each.slice(0, -1)) {
    model.answer = trick;
    await converse(machine, draft, trick);
  }
  const guarded = await guard(page, machine, beacon);
  await open(page, machine, draft);
  const answers = page.locator(".message.assistant");
  await expect(page.locator(".message.user").last()).toContainText("head <img src=x");
  while (await page.getByRole("button", { name: "Show earlier messages" }).isVisible()) {
    const shown = await answers.count();
    await page.getByRole("button", { name: "Show earlier messages" }).click();
    await expect.poll(() => answers.count()).toBeGreaterThan(shown);
  }
  const before = await answers.count();
  expect(before).toBeGreaterThanOrEqual(each.length - 1);
  await expectPure(page.locator(".prose"));

  // All of them once more, word by word, so that tags are shown half written.
  model.answer = each.join("\n\n");
  model.pace = 2;
  await page.getByLabel("Message to the assistant").fill(each.join("\n\n"));
  await page.keyboard.press("Control+Enter");
  await expect(page.locator(".message.assistant[aria-busy] .prose")).not.toBeEmpty();
  await expect(page.locator(".message.assistant[aria-busy]")).toHaveCount(0, { timeout: 40_000 });
  model.pace = 0;
  await expect(answers).toHaveCount(before + 1);
  await expectPure(page.locator(".prose"));
  // Nothing is thrown away: the tricks can be read, and what is harmless of them can be followed.
  await expect(answers.last()).toContainText(
    `Text before <script>window.pwned = 1; fetch("${beacon.url}/script")</script> and after`,
  );
  await expect(answers.last()).toContainText("<base href=");
  await expect(page.getByRole("link", { name: "a link of the web" }).first()).toHaveAttribute(
    "href",
    "https://example.com/page",
  );
  await expect(page.locator(".prose").getByText("[image: a picture]").first()).toBeVisible();
  // A click on whatever has lost its address leads nowhere.
  for (const name of ["javascript", "obscured", "tab", "data", "vbscript", "blob", "file"]) {
    const dead = page.locator(".prose").getByText(name, { exact: true }).first();
    await dead.evaluate((element) => (element as HTMLElement).click());
  }
  await guarded.nothingHappened();
});

test("an answer that is nested without end is shown as the text that it is", async ({
  page,
  machine,
  model,
}) => {
  const draft = await machine.draft(TEXT);
  for (const deep of [
    ">".repeat(15_000),
    "- ".repeat(8_000),
    "**a *b ".repeat(2_500) + " c* d**".repeat(2_500),
  ]) {
    model.answer = `${deep} the end`;
    await converse(machine, draft, "Go on.");
  }
  model.answer = "And **this** as ever.";
  await converse(machine, draft, "Go on.");
  const guarded = await guard(page, machine, beacon);
  await open(page, machine, draft);
  const answers = page.locator(".message.assistant .prose");
  await expect(answers.filter({ hasText: /the end\s*$/ })).toHaveCount(3);
  await expect(answers.last().locator("strong")).toHaveText("this");
  await guarded.nothingHappened();
});

test("a hostile answer and hostile articles in a test run do nothing", async ({ page, machine, model }) => {
  const topic = "<img src=x onerror=window.pwned=1>";
  const each = tricks(beacon.url);
  await articles(
    machine,
    topic,
    each.map((trick, number) => ({
      title: `Survey ${trick}`.replace(/\s+/g, " ").slice(0, 300),
      url: `${beacon.url}/article/${number}?a="><script>window.pwned=1</script>`,
      source: trick.replace(/\s+/g, " ").slice(0, 90),
      summary: `Survey of hospitals. ${trick}`,
      text: trick,
      category: "<b onclick=window.pwned=1>Regulation",
    })),
  );
  model.answer = each.join("\n\n");
  const draft = await machine.draft(TEXT);
  for (const query of [`What do surveys say? ${each[2]}`, "And what of hospitals?"]) {
    const run = await tested(machine, draft, { query, topic });
    expect(run.status).toBe("succeeded");
  }
  const guarded = await guard(page, machine, beacon);
  await open(page, machine, draft);
  await page.getByRole("tab", { name: "Test" }).click();
  const run = page.getByRole("article", { name: "Test run" });
  await expect(run.locator(".prose")).not.toBeEmpty();
  await expectPure(run.locator(".prose"));
  await expect(run.locator(".articles li")).toHaveCount(5);
  await expect(run.locator(".articles")).toContainText("<");

  // Side by side in the history, too.
  await page.getByRole("tab", { name: "History" }).click();
  for (const box of await page.getByRole("checkbox", { name: /^Compare/ }).all()) await box.check();
  await page.getByRole("button", { name: "Compare the two" }).click();
  await expect(page.locator(".comparison .prose")).toHaveCount(2);
  await expectPure(page.locator(".comparison .prose"));
  await guarded.nothingHappened();

  // And where one searches the topic, which has a hostile name.
  await page.goto(`${machine.url}/topics`);
  await expect(page.getByRole("link", { name: topic })).toBeVisible();
  await page.getByRole("link", { name: topic }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(topic);
  await page.getByLabel("Try a search").fill("survey <script>window.pwned=1</script>");
  const searched = page.waitForResponse((answer) => answer.url().includes("query=survey"));
  await page.getByRole("button", { name: "Search" }).click();
  // The articles that stood there before have the word, too.
  await searched;
  await expect(page.locator(".results")).toHaveAttribute("aria-busy", "false");
  await expect(page.locator(".results li h3").first()).toContainText("Survey");
  for (const more of await page.locator(".results details summary").all()) await more.click();
  for (const link of await page.locator(".results h3 a").all()) {
    expect(await link.getAttribute("href")).toMatch(/^https?:/);
    expect(await link.getAttribute("rel")).toContain("noopener");
  }
  await guarded.nothingHappened();
});

test("hostile feeds, tool calls and checks are shown as text", async ({ page, machine, model }) => {
  const each = tricks(beacon.url);
  const script = "javascript:window.pwned=1";
  await standIn.facets(page, {
    ...standIn.FACETS,
    categories: each.map((name, count) => ({ name: name.slice(0, 80), count })),
  });
  await standIn.found(page, () => ({
    also_at: [script, `${beacon.url}/also`],
    similar: each.map((title) => ({
      title,
      url: script,
      source: title,
      published_at: "2026-05-03T12:00:00Z",
    })),
    words_rank: 1,
    matched_words: ["surveys", "<script>", "img"],
  }));
  await standIn.feeds(
    page,
    each.map((title, number) =>
      standIn.feed(`feed-${number}`, title, {
        url: `${beacon.url}/feed?a="><script>window.pwned=1</script>`,
        site_url: script,
        status: "failing",
        problem: title,
      }),
    ),
  );
  const guarded = await guard(page, machine, beacon);
  await page.goto(`${machine.url}/topics/AI%20Adoption?view=feeds`);
  await expect(page.locator(".feeds > li")).toHaveCount(each.length);
  await expect(page.locator(".feeds a")).toHaveCount(0);
  await expect(page.locator(".feeds")).toContainText("Text before <script>window.pwned = 1;");
  await page
    .getByRole("button", { name: /^Stop following/ })
    .first()
    .click();
  await expect(page.getByRole("dialog")).toContainText("<");
  await page.keyboard.press("Escape");
  await guarded.nothingHappened();

  await page.goto(`${machine.url}/topics/AI%20Adoption?query=surveys`);
  await expect(page.locator(".results > ol > li").first()).toContainText("Also at");
  for (const more of await page.locator(".results details summary").all()) await more.click();
  await expect(page.locator(".results")).toContainText("Text before <script>window.pwned = 1;");
  for (const link of await page.locator(".results a").all())
    expect(await link.getAttribute("href")).toMatch(/^https?:/);
  await guarded.nothingHappened();

  model.answer = "Nothing to say.";
  const draft = await machine.draft(TEXT);
  await tested(machine, draft, { query: "What do surveys say of adoption?" });
  await standIn.run(page, () => ({
    tools_used: each,
    tool_calls: each.map((trick, round) => ({
      ...standIn.CALLS[0],
      round,
      name: trick,
      arguments: { [trick]: trick },
      result: trick,
    })),
    checks: {
      ...standIn.CHECKS,
      invented: each.slice(0, 20).map((text) => ({ text, url: script })),
      uncited_numbers: each.slice(0, 20),
      structure: each.map((asked) => ({ asked, found: false })),
    },
  }));
  await open(page, machine, draft);
  await page.getByRole("tab", { name: "Test" }).click();
  await page.locator(".calls > summary").click();
  for (const call of await page.locator(".call > summary").all()) await call.click();
  for (const more of await page.locator(".checked summary").all()) await more.click();
  await expect(page.locator(".call pre")).toHaveCount(each.length);
  await expect(page.locator(".call pre").first()).toContainText("Text before <script>window.pwned = 1;");
  await expect(page.locator(".call").first()).toContainText("Called Text before <script>");
  await expect(page.locator(".checked")).toContainText("Text before <script>window.pwned = 1;");
  await expect(page.locator(".calls a, .checked a")).toHaveCount(0);
  await guarded.nothingHappened();
});

test("an article whose address is a script is shown without a link", async ({ page, machine, model }) => {
  model.answer = "Nothing to say.";
  const draft = await machine.draft(TEXT);
  await tested(machine, draft, { query: "What do surveys say of adoption?" });
  const guarded = await guard(page, machine, beacon);
  // The import refuses such addresses; should one get in by another way, the page doesn't trust it either.
  await page.route(/\/tests\/[^/]+$|\/articles\?/, async (route) => {
    const answer = await route.fetch();
    const told = await answer.json();
    for (const article of told.articles) article.url = `javascript:window.pwned=1//${article.url}`;
    await route.fulfill({ response: answer, json: told });
  });
  await open(page, machine, draft);
  await page.getByRole("tab", { name: "Test" }).click();
  await expect(page.locator(".articles li")).toHaveCount(5);
  await expect(page.locator(".articles a")).toHaveCount(0);
  await guarded.nothingHappened();
  await page.goto(`${machine.url}/topics/AI%20Adoption?query=surveys`);
  await expect(page.locator(".results li h3").first()).toBeVisible();
  await expect(page.locator(".results h3 a")).toHaveCount(0);
  await guarded.nothingHappened();
});

test("a hostile prompt does nothing wherever its title, description or text is shown", async ({
  page,
  machine,
}) => {
  const hostile = `</textarea></title><script>window.pwned=1</script><img src="${beacon.url}/t.gif" onerror=window.pwned=1>`;
  const text = `${TEXT}\n\n${tricks(beacon.url).join("\n\n")}`;
  const draft = await machine.draft(text, hostile.slice(0, 100));
  await machine.ask("PUT", `/auspex/prompts/workshop/drafts/${draft}`, { draft_description: hostile });
  await commit(machine, draft, {
    name: "hostile_prompt",
    title: hostile.slice(0, 100),
    description: hostile,
  });
  await machine.save(draft, `${text}\n<iframe src="${beacon.url}/second">`);
  await commit(machine, draft, {
    name: "hostile_prompt",
    title: hostile.slice(0, 100),
    description: hostile,
  });
  await machine.save(draft, `${text}\n<object data="${beacon.url}/third">`);
  const guarded = await guard(page, machine, beacon);

  await page.goto(machine.url);
  await expect(page.getByRole("link", { name: "</textarea></title><script>" }).first()).toBeVisible();
  await guarded.nothingHappened();

  await page.goto(`${machine.url}/prompt-workshop`);
  await expect(page.locator("#from option", { hasText: "</textarea>" })).toHaveCount(1);
  await guarded.nothingHappened();

  await page.goto(`${machine.url}/library?q=${encodeURIComponent("<script>")}`);
  await expect(page.getByRole("link", { name: /^<\/textarea>/ })).toBeVisible();
  await guarded.nothingHappened();

  await page.goto(`${machine.url}/library/hostile_prompt?version=2&against=1`);
  await expect(page.getByText("second").first()).toBeVisible();
  await guarded.nothingHappened();
  await page.goto(`${machine.url}/library/hostile_prompt`);
  await expect(page.locator(".prompt-text")).toContainText("<iframe src=");
  await guarded.nothingHappened();

  await open(page, machine, draft);
  expect(await page.title()).toContain("</textarea></title><script>");
  await page.getByRole("button", { name: "Commit to the library" }).click();
  await page.getByText("What changes").click();
  await expect(page.locator("dialog ins").last()).toContainText("<object");
  await guarded.nothingHappened();
});

test("a hostile address does nothing", async ({ page, machine, quiet }) => {
  quiet.allow(/Failed to load resource/);
  const guarded = await guard(page, machine, beacon);
  const hostile = encodeURIComponent(`"><img src=x onerror=window.pwned=1><script>window.pwned=1</script>`);
  for (const path of [
    `/prompt-workshop?clone=${hostile}`,
    `/prompt-workshop?draft_id=${hostile}`,
    `/prompt-workshop?clone=javascript:window.pwned=1&topic=${hostile}`,
    `/library?q=${hostile}`,
    `/library/${hostile}`,
    `/topics/${hostile}`,
    `/${hostile}#${hostile}`,
  ]) {
    await page.goto(machine.url + path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await guarded.nothingHappened();
  }
});
