/** What the views around the workshop do. */
import { expect, OFFLINE, TEXT, test } from "./workshop";

const LONG = `${TEXT}\n${TEXT}`;

test("drafts are found by words, by status, and in the order one asks for", async ({ page, machine }) => {
  await machine.draft(TEXT, "Zebra counting");
  const ready = await machine.draft(LONG, "Apple harvests");
  await machine.ask("PUT", `/auspex/prompts/workshop/drafts/${ready}`, { status: "ready" });
  await machine.draft(TEXT, "Mango prices");
  await page.goto(machine.url);
  const names = page.locator(".drafts .what > a");
  await expect(names.first()).toHaveText("Mango prices");

  await page.getByLabel("Sort by").selectOption("name");
  const sorted = await names.allTextContents();
  expect(sorted).toEqual(sorted.toSorted((a, b) => a.localeCompare(b)));
  await page.getByRole("searchbox", { name: "Search" }).fill("count zeb");
  await expect(names).toHaveText(["Zebra counting"]);
  await page.getByRole("searchbox", { name: "Search" }).fill("no such words");
  await expect(page.getByText("No draft is like that")).toBeVisible();
  await page.getByRole("searchbox", { name: "Search" }).fill("");
  await page.getByLabel("Status").selectOption("ready");
  await expect(names.filter({ hasText: "Apple harvests" })).toHaveCount(1);
  await expect(names.filter({ hasText: "Mango prices" })).toHaveCount(0);
});

test("a clone whose answer was lost is cloned once", async ({ page, machine, quiet }) => {
  quiet.allow(OFFLINE);
  const clones = async () =>
    (await machine.ask<{ clone_count: number }>("GET", "/auspex/prompts/default_research")).clone_count;
  const before = await clones();
  await page.route("**/clone", async (route) => {
    await route.fetch();
    await route.abort();
  });
  await page.goto(`${machine.url}/prompt-workshop?clone=default_research`);
  await expect(page.getByText("The workshop's server doesn't answer.")).toBeVisible();
  await page.unroute("**/clone");
  await page.reload();
  await expect(page).toHaveURL(/draft_id=/);
  expect(await clones()).toBe(before + 1);
});

test("one's own prompt is found, read by version, compared, and deleted", async ({
  page,
  machine,
  quiet,
}) => {
  quiet.allow(/404/);
  const id = await machine.draft(LONG, "Tide tables");
  const commit = (title: string) =>
    machine.ask("POST", `/auspex/prompts/workshop/drafts/${id}/commit`, { name: "tide_tables", title });
  await commit("Tide tables");
  await machine.save(id, LONG.replaceAll("executives", "sailors"));
  await commit("Tide tables for sailors");

  await page.goto(`${machine.url}/library`);
  await page.getByRole("searchbox", { name: "Search" }).fill("sailors");
  await page.getByRole("link", { name: "Tide tables for sailors", exact: true }).click();
  await expect(page.getByText("who writes briefs for sailors").first()).toBeVisible();
  await page.getByRole("link", { name: "Version 1" }).click();
  await expect(page.getByText("who writes briefs for executives").first()).toBeVisible();
  await page.goto(`${machine.url}/library/tide_tables`);
  await page.getByLabel("Compare version 2 with").selectOption({ index: 1 });
  await expect(page.locator("del").first()).toContainText("executives");
  await expect(page.locator("ins").first()).toContainText("sailors");

  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete it for everyone" }).click();
  await page.goto(`${machine.url}/library/tide_tables`);
  await expect(page.getByRole("heading", { level: 1 })).not.toHaveText("Tide tables for sailors");
  await page.goto(`${machine.url}/library/default_research`);
  await expect(page.getByRole("button", { name: "Delete" })).toHaveCount(0);
});

test("a file of articles is imported, its bad lines are named, and what is in it is found", async ({
  page,
  machine,
}) => {
  const lines = [
    {
      title: "Tides rise in Brest",
      url: "https://news.example/brest",
      summary: "The tide was two metres higher.",
    },
    { title: "No address", summary: "This line lacks its address." },
    {
      title: "Harbours close",
      url: "https://news.example/harbours",
      summary: "Three harbours closed for a day.",
    },
  ];
  await page.goto(`${machine.url}/topics`);
  await page.getByLabel("Topic", { exact: true }).fill("Seas and tides");
  await page.getByLabel("File").setInputFiles({
    name: "tides.jsonl",
    mimeType: "application/x-ndjson",
    buffer: Buffer.from(lines.map((line) => JSON.stringify(line)).join("\n")),
  });
  await page.getByRole("button", { name: "Import" }).click();
  await expect(page.getByText("2 articles added, 0 updated, 1 line rejected")).toBeVisible();
  const rejected = page.getByRole("region", { name: "One line was rejected" });
  await expect(rejected.getByRole("row").last()).toContainText("2");
  await page.getByRole("link", { name: "Seas and tides" }).first().click();
  await page.getByLabel("Try a search").fill("tide in Brest");
  await page.getByRole("button", { name: "Search" }).click();
  const results = page.getByRole("region", { name: "What was found" });
  await expect(results.getByRole("link", { name: "Tides rise in Brest" })).toBeVisible();
  await page.getByRole("link", { name: "Test a prompt on this topic" }).click();
  await expect(page).toHaveURL(/topic=Seas/);
});

test("a file of more than one part is imported part after part, and its copies are told", async ({
  page,
  machine,
}) => {
  const text = (article: number): string =>
    Array.from({ length: 7_000 }, (_, word) => `w${article}x${word % 500}`)
      .join(" ")
      .slice(0, 49_000);
  const lines = Array.from({ length: 30 }, (_, at) =>
    JSON.stringify({
      title: `Report ${at % 29}`,
      url: `https://news.example/${at}`,
      text: text(at % 29),
      published_at: "2026-11-20",
    }),
  );
  await page.goto(`${machine.url}/topics`);
  await page.getByLabel("Topic", { exact: true }).fill("Reports");
  await page.getByLabel("File").setInputFiles({
    name: "reports.jsonl",
    mimeType: "application/x-ndjson",
    buffer: Buffer.from(lines.join("\n")),
  });
  let parts = 0;
  page.on("request", (request) => {
    if (request.method() === "POST" && request.url().endsWith("/articles")) parts += 1;
  });
  await page.getByRole("button", { name: "Import" }).click();
  await expect(page.getByText("29 articles added, 0 updated, 0 lines rejected.")).toBeVisible({
    timeout: 60_000,
  });
  await expect(page.getByText("One was a copy of articles that are here")).toBeVisible();
  expect(parts).toBe(2);
});

test("a spreadsheet's table is looked at, changed by hand, imported and found", async ({ page, machine }) => {
  const table =
    "Überschrift;Stichzeile;Link;Erschienen\r\nKräne wachsen;Häfen bauen um;https://news.example/kran;03/04/2026\r\n";
  await page.goto(`${machine.url}/topics`);
  await page.getByLabel("File").setInputFiles({
    name: "häfen.csv",
    mimeType: "text/csv",
    buffer: Buffer.from(table, "latin1"),
  });
  const rows = page.getByRole("region", { name: "First rows" });
  await expect(page.getByText("a table with semicolons, in windows-1252")).toBeVisible();
  await expect(rows.getByRole("row").last()).toContainText("Kräne wachsen");
  await expect(page.getByLabel("“Überschrift” is")).toHaveValue("title");
  await expect(page.getByLabel("“Stichzeile” is")).toHaveValue("-");
  await page.getByLabel("“Stichzeile” is").selectOption("Summary");
  await page.getByLabel("“Erschienen” is").focus();
  await page.keyboard.press("d");
  await expect(page.getByLabel("“Erschienen” is")).toHaveValue("published_at");
  // A date that could be two is asked about, and nothing is imported before that is answered.
  await expect(page.getByRole("group", { name: /“03\/04\/2026” could be two dates/ })).toBeVisible();
  await page.getByRole("button", { name: "Import" }).click();
  await expect(page.getByRole("alert")).toContainText("begins with the day or the month");
  await expect(page.getByLabel("The day is first")).toBeFocused();
  await page.keyboard.press("Space");
  await page.getByRole("button", { name: "Import" }).click();
  await expect(page.getByText("1 article added, 0 updated, 0 lines rejected.")).toBeVisible();
  await expect(page.getByRole("list", { name: "What to know of it" })).toContainText("windows-1252");
  await page.getByRole("link", { name: "See the topic" }).click();
  const results = page.locator(".results");
  await page.getByLabel("Try a search").fill("Häfen");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(results.getByRole("link", { name: "Kräne wachsen" })).toBeVisible();
  await expect(results).toContainText("Häfen bauen um");
  await expect(results).toContainText("3 Apr 2026");
});

test("a file whose columns don't say it is asked about before it is imported", async ({ page, machine }) => {
  await page.goto(`${machine.url}/topics`);
  await page.getByLabel("File").setInputFiles({
    name: "unnamed.csv",
    mimeType: "text/csv",
    buffer: Buffer.from("Was,Wo\nCranes swing,https://news.example/swing\n"),
  });
  await page.getByRole("button", { name: "Import" }).click();
  await expect(page.getByRole("alert")).toContainText("Choose which column is the title.");
  await page.getByLabel("“Was” is").selectOption("Title");
  await page.getByLabel("“Wo” is").selectOption("Address");
  await page.getByRole("button", { name: "Import" }).click();
  await expect(page.getByText("1 article added, 0 updated, 0 lines rejected.")).toBeVisible();
  await expect(page.getByText("One article has a title only")).toBeVisible();
});

test("the dashboard's figures are there to read, too", async ({ page, machine }) => {
  await machine.draft(TEXT);
  await page.goto(`${machine.url}/dashboard`);
  await expect(page.getByRole("img", { name: /Sessions started/ })).toBeVisible();
  await page.getByText("The same as a table").click();
  const figures = page.getByRole("region", { name: "Figures by day" });
  await expect(figures.getByRole("row").nth(1)).toContainText(/\d/);
});

test("a theme that was chosen stays, from the first paint on", async ({ page, machine }) => {
  await page.goto(`${machine.url}/settings`);
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await page.getByRole("radio", { name: "Dark" }).check();
  const dark = await paper();
  expect(dark).not.toBe(light);
  await page.reload({ waitUntil: "commit" });
  await page.waitForFunction(() => document.body !== null);
  expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe("dark");
  await page.waitForLoadState();
  expect(await paper()).toBe(dark);
});

test("the panels are resized with the pointer and the keyboard, and stay so", async ({ page, machine }) => {
  const id = await machine.draft(TEXT);
  await page.goto(`${machine.url}/prompt-workshop?draft_id=${id}`);
  const divider = page.getByRole("separator", { name: "Width of the conversation" });
  await divider.focus();
  await page.keyboard.press("ArrowRight");
  await expect(divider).toHaveAttribute("aria-valuenow", "44");
  const box = await divider.boundingBox();
  if (!box) throw new Error("the divider is not shown");
  await page.mouse.move(box.x + 3, box.y + 100);
  await page.mouse.down();
  await page.mouse.move(box.x - 150, box.y + 100, { steps: 5 });
  await page.mouse.up();
  const now = Number(await divider.getAttribute("aria-valuenow"));
  expect(now).toBeLessThan(40);
  await page.reload();
  await expect(divider).toHaveAttribute("aria-valuenow", String(now));
});

test("the text is found in, reset, and brought back", async ({ page, machine }) => {
  const id = await machine.draft(TEXT);
  await page.goto(`${machine.url}/prompt-workshop?draft_id=${id}`);
  const editor = page.getByRole("textbox", { name: "Text of the prompt" });
  await editor.click();
  await page.keyboard.press("Control+f");
  await expect(page.getByRole("textbox", { name: "Find" })).toBeFocused();
  await page.keyboard.type("executives");
  await expect(page.locator(".cm-searchMatch")).toHaveText("executives");
  await page.keyboard.press("Escape");
  await page.getByLabel("Reset the text to").selectOption("empty");
  await expect(editor).not.toContainText("executives");
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(editor).toContainText("executives");
});

test("a page that can't ask how it is set up says so, and starts when it can", async ({
  page,
  machine,
  quiet,
}) => {
  quiet.allow(OFFLINE);
  await page.route("**/config.json", (route) => route.abort());
  await page.goto(`${machine.url}/library`);
  await expect(page.getByText("The workshop can't be reached, so its page can't start.")).toBeVisible();
  await page.unroute("**/config.json");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Library" })).toBeVisible();
});

test("on one machine nobody signs in, and the code for it is never fetched", async ({
  page,
  context,
  machine,
}) => {
  const fetched: string[] = [];
  context.on("request", (request) => fetched.push(new URL(request.url()).pathname));
  await page.goto(`${machine.url}/settings`);
  await expect(page.getByRole("heading", { name: "Be someone else on this machine" })).toBeVisible();
  await page.evaluate(() => navigator.serviceWorker.ready);
  expect(fetched).toContain("/config.json");
  expect(fetched.filter((path) => path.includes("sign-in"))).toEqual([]);
});
