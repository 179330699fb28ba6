/**
 * Where articles come from, how they are found, and what a model made of them:
 * feeds and their health, large imports, why a search found what it found, the
 * tool calls of a run and what its answer was checked for.
 */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import type { Machine } from "./machine";
import { tested } from "./prepare";
import * as standIn from "./stand-in";
import { expect, OFFLINE, open, TEXT, test } from "./workshop";

const TOPIC = "/topics/AI%20Adoption";
const feedNamed = (page: Page, title: string) =>
  page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: title }) });

test.beforeEach(async ({ page }) => {
  await standIn.feeds(page, []);
  await standIn.facets(page);
});

test.describe("feeds", () => {
  test("one is followed, collected and let go, and says each time what came of it", async ({
    page,
    machine,
  }) => {
    await page.goto(machine.url + TOPIC);
    await page.getByRole("tab", { name: "Feeds" }).click();
    await expect(page.getByText("No feed is followed yet")).toBeVisible();
    const address = page.getByLabel("Address of a feed");
    await address.fill("news.example.com/feed.xml");
    await page.getByRole("button", { name: "Follow", exact: true }).click();
    const feed = feedNamed(page, "news.example.com");
    await expect(feed).toContainText("Collected just now, 20 new. Next in 18 minutes.");
    await expect(feed).toContainText("https://news.example.com/feed.xml");
    await expect(page.getByRole("status").filter({ hasText: "20 articles came in" })).toBeVisible();
    await expect(address).toHaveValue("");
    await expect(address).toBeFocused();
    await expect(page.getByRole("tab", { name: "Feeds" })).toContainText("1");

    await feed.getByRole("button", { name: /^Collect now/ }).click();
    await expect(feed).toContainText("2 new");
    await expect(page.getByText("“news.example.com” is collected: 2 new.")).toBeVisible();

    // Stopping asks first, and the focus is never nowhere.
    await feed.getByRole("button", { name: /^Stop following/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Keep following" }).click();
    await expect(feed.getByRole("button", { name: /^Stop following/ })).toBeFocused();
    await feed.getByRole("button", { name: /^Stop following/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Stop following" }).click();
    await expect(feed).toHaveCount(0);
    await expect(page.getByText("Its articles stay in the topic.")).toBeVisible();
    await expect(address).toBeFocused();
  });

  test("an address that is no feed is refused at the field, and what its page names can be followed", async ({
    page,
    machine,
    quiet,
  }) => {
    quiet.allow(/422/);
    const all: standIn.Feed[] = [];
    await standIn.feeds(page, all, {
      follow: async (route, url) => {
        if (!url.endsWith("/all.xml")) {
          const names = "It names https://news.example.com/all.xml.";
          const detail = `There is a web page at this address, not a feed. ${names} Nothing was followed.`;
          return standIn.refuse(route, 422, "invalid", detail, "/url");
        }
        all.push(standIn.feed("all", "Everything", { url }));
        return route.fulfill({ status: 201, json: all[0] });
      },
    });
    await page.goto(`${machine.url}${TOPIC}?view=feeds`);
    const address = page.getByLabel("Address of a feed");
    await address.fill("news.example.com");
    await page.keyboard.press("Enter");
    await expect(address).toHaveAttribute("aria-invalid", "true");
    await expect(address).toHaveAccessibleDescription(/There is a web page at this address/);
    await expect(address).toBeFocused();
    await expect(address).toHaveValue("news.example.com");
    await page.getByRole("button", { name: "Follow https://news.example.com/all.xml" }).click();
    await expect(feedNamed(page, "Everything")).toBeVisible();
    await expect(address).toHaveAttribute("aria-invalid", "false");
  });

  test("one that can't be reached is followed all the same, and says why it fails", async ({
    page,
    machine,
  }) => {
    const all: standIn.Feed[] = [];
    await standIn.feeds(page, all, {
      follow: async (route, url) => {
        all.push(
          standIn.feed("slow", "slow.example.com", {
            url,
            status: "failing",
            problem: "No answer came within 15 seconds.",
            last_worked_at: null,
            failures: 1,
            articles_added: 0,
          }),
        );
        return route.fulfill({ status: 201, json: all[0] });
      },
    });
    await page.goto(`${machine.url}${TOPIC}?view=feeds`);
    await page.getByLabel("Address of a feed").fill("https://slow.example.com/feed.xml");
    await page.keyboard.press("Enter");
    await expect(page.getByText("It is followed all the same, and tried again by itself.")).toBeVisible();
    await expect(feedNamed(page, "slow.example.com")).toContainText(
      "Failing No answer came within 15 seconds. It has never worked. It is tried again in 18 minutes.",
    );
    await expect(page.getByRole("tab", { name: "Feeds" })).toContainText("1, 1 failing");
  });

  test("collecting too soon is told of where it was asked for", async ({ page, machine, quiet }) => {
    quiet.allow(/429/);
    await standIn.feeds(page, structuredClone(standIn.FEEDS), {
      collect: (route) =>
        standIn.refuse(
          route,
          429,
          "too-many",
          "It was collected a moment ago. Try again in 40 seconds.",
          undefined,
          {
            "retry-after": "40",
          },
        ),
    });
    await page.goto(`${machine.url}${TOPIC}?view=feeds`);
    const gazette = feedNamed(page, "Harbour Gazette");
    await gazette.getByRole("button", { name: /^Collect now/ }).click();
    await expect(gazette).toContainText("Try again in 40 seconds.");
    await expect(feedNamed(page, "The Old Observer")).not.toContainText("Try again in 40 seconds.");
    await expect(gazette.getByRole("button", { name: /^Collect now/ })).toBeFocused();
  });

  test("their state is asked for again each minute, and only while one looks", async ({ page, machine }) => {
    const all = structuredClone(standIn.FEEDS);
    await standIn.feeds(page, all);
    let asked = 0;
    page.on("request", (request) => {
      if (request.method() === "GET" && request.url().endsWith("/feeds")) asked += 1;
    });
    await page.clock.install();
    await page.goto(`${machine.url}${TOPIC}?view=feeds`);
    await expect(feedNamed(page, "The Old Observer")).toContainText("Stopped");
    Object.assign(all[2] ?? {}, { status: "working", last_added: 9 });
    expect(asked).toBe(1);
    await page.clock.runFor(61_000);
    await expect(feedNamed(page, "The Old Observer")).toContainText("9 new");
    expect(asked).toBe(2);
    await page.evaluate(() => {
      Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
    });
    await page.clock.runFor(300_000);
    expect(asked).toBe(2);
    await page.evaluate(() => {
      Object.defineProperty(document, "visibilityState", { value: "visible", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await expect.poll(() => asked).toBe(3);
  });

  test("an empty topic leads to them, by the keyboard too", async ({ page, machine }) => {
    await page.route(/\/api\/topics\?/, (route) =>
      route.fulfill({
        json: [{ name: "Ports", article_count: 0, sample: false, newest: null, oldest: null }],
      }),
    );
    await page.goto(`${machine.url}/topics/Ports`);
    await page.getByRole("button", { name: "Follow a feed" }).press("Enter");
    await expect(page.getByLabel("Address of a feed")).toBeFocused();
    await expect(page).toHaveURL(/\?view=feeds$/);
    await page.getByRole("tab", { name: "Feeds" }).press("ArrowLeft");
    await expect(page.getByRole("tab", { name: "Articles" })).toBeFocused();
    await expect(page.getByText("No articles yet")).toBeVisible();
  });

  test("a feed into a new topic makes the topic", async ({ page, machine }) => {
    await page.goto(`${machine.url}/topics`);
    await page.getByLabel("Address of a feed").fill("https://news.example.com/feed.xml");
    await page.keyboard.press("Enter");
    await expect(page.getByText("Name the topic that its articles belong to.")).toBeVisible();
    await expect(page.getByLabel("Into the topic")).toBeFocused();
    await page.keyboard.type("AI Adoption");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/\/topics\/AI%20Adoption\?view=feeds$/);
    await expect(feedNamed(page, "news.example.com")).toBeVisible();
  });
});

test.describe("a search", () => {
  test("says why each article was found, marks its words, and folds what is similar", async ({
    page,
    machine,
  }) => {
    await standIn.found(page, (_, place) => standIn.REASONS[place] ?? {});
    await page.goto(`${machine.url}${TOPIC}?query=What+do+surveys+say+about+adoption+in+hospitals`);
    const results = page.locator(".results > ol > li");
    await expect(results.nth(0)).toContainText(/3rd by words \([^)]*adoption[^)]*\), 1st by meaning/);
    await expect(results.nth(2)).toContainText("Found by words alone, as the 2nd");
    await expect(results.nth(3)).toContainText("Found by meaning alone, as the 2nd");
    await expect(results.nth(0).locator("mark").first()).toHaveText(/^(?:surveys?|adoption)$/i);
    await expect(results.nth(3).locator("mark")).toHaveCount(0);
    await expect(results.nth(0).getByRole("link", { name: "mirror.example.org" })).toHaveAttribute(
      "href",
      "https://mirror.example.org/a",
    );
    await expect(results.nth(0).getByText("The same story, told by the wire")).toBeHidden();
    await results.nth(0).getByText("2 similar reports").click();
    await expect(
      results.nth(0).getByRole("link", { name: "The same story, told by the wire" }),
    ).toBeVisible();
  });

  test("is filtered by what its articles have, and its address leads back to it", async ({
    page,
    machine,
  }) => {
    const asked: string[] = [];
    await standIn.found(page, () => ({}), asked);
    await page.goto(machine.url + TOPIC);
    await expect(page.getByLabel("Category").locator("option")).toHaveText([
      "All",
      "Regulation (312)",
      "Industry (208)",
      "Health (94)",
    ]);
    await expect(page.getByText("count the newest 1,000 articles only")).toBeVisible();
    await page.getByLabel("Try a search").fill("surveys");
    await page.getByLabel("Category").selectOption("Regulation");
    await page.getByLabel("Published").selectOption("90");
    await page.keyboard.press("Tab");
    await page.getByRole("button", { name: "Search" }).press("Enter");
    await expect(page).toHaveURL(`${machine.url}${TOPIC}?query=surveys&category=Regulation&days=90`);
    await expect(page.locator(".results header")).toContainText("Only Regulation, the last 90 days.");
    for (const part of ["query=surveys", "category=Regulation", "days=90"])
      expect(asked.at(-1)).toContain(part);

    await page.getByLabel("Source").selectOption("Harbour Gazette");
    await page.getByRole("button", { name: "Search" }).click();
    await expect(page).toHaveURL(/source=Harbour\+Gazette/);
    await page.goBack();
    await expect(page.getByLabel("Source")).toHaveValue("");
    await expect(page.getByLabel("Category")).toHaveValue("Regulation");
    await page.goBack();
    await expect(page.getByLabel("Try a search")).toHaveValue("");
    await page.goForward();
    await page.reload();
    await expect(page.getByLabel("Try a search")).toHaveValue("surveys");
    await expect(page.getByLabel("Published")).toHaveValue("90");
    await page.getByRole("link", { name: "Without the filters" }).click();
    await expect(page).toHaveURL(`${machine.url}${TOPIC}?query=surveys`);
    await expect(page.locator(".results[aria-busy=false] header")).not.toContainText("Only");
  });

  test("keeps a filter that no article has, since its address says so", async ({ page, machine }) => {
    await standIn.found(page, () => ({}));
    await page.goto(`${machine.url}${TOPIC}?category=Fishing&days=45`);
    await expect(page.getByLabel("Category")).toHaveValue("Fishing");
    await expect(page.getByLabel("Published")).toHaveValue("45");
    await expect(page.locator(".results[aria-busy=false] header")).toContainText("Only Fishing");
  });
});

test.describe("a large import", () => {
  const chosen = async (page: Page, machine: Machine, bytes = 6_000_000): Promise<void> => {
    await page.goto(`${machine.url}/topics`);
    await page.getByLabel("Topic", { exact: true }).fill("Ports");
    await page.getByLabel("File").setInputFiles({
      name: "ports.jsonl",
      mimeType: "application/x-ndjson",
      buffer: Buffer.alloc(bytes, "x"),
    });
    await page.getByRole("button", { name: "Import" }).click();
  };

  test("is uploaded, read on the server, told of in figures, and still there after a reload", async ({
    page,
    machine,
  }) => {
    const report = standIn.report();
    await standIn.imports(page, machine.url, report);
    const sent = page.waitForRequest((request) => request.method() === "PUT");
    await chosen(page, machine);
    const request = await sent;
    expect(await request.headerValue("x-checked")).toBe("yes");
    expect(await request.headerValue("authorization")).toBeNull();
    await expect(page.getByText("is uploaded and waits its turn")).toBeVisible();
    Object.assign(report, { status: "running", bytes: 120_000_000, bytes_read: 34_000_000, added: 51_200 });
    Object.assign(report, { updated: 12, duplicates: 7, rejected_total: 1 });
    report.rejected = [{ line: 12, detail: "The title is missing." }];
    await expect(
      page.getByText("Read 34 of 120 MB; 51,200 new, 12 updated, 7 copies, 1 not taken"),
    ).toBeVisible();
    expect(await page.locator("progress").evaluate((bar: HTMLProgressElement) => bar.position)).toBeCloseTo(
      34 / 120,
    );

    await page.reload();
    await expect(page.getByText("Read 34 of 120 MB")).toBeVisible();
    await expect(page.getByRole("button", { name: "Importing" })).toHaveAttribute("aria-disabled", "true");
    Object.assign(report, { status: "finished", bytes_read: 120_000_000, added: 180_000 });
    await expect(page.getByText("180,000 articles added, 12 updated, 1 line rejected.")).toBeVisible();
    await expect(page.getByText("7 were copies of articles that are here")).toBeVisible();
    await expect(page.getByRole("region", { name: "One line was rejected" })).toContainText(
      "The title is missing.",
    );

    // Its result waits until it is put away.
    await page.reload();
    await expect(page.getByText("180,000 articles added")).toBeVisible();
    await page.getByRole("button", { name: "Done" }).click();
    await page.reload();
    await expect(page.getByRole("button", { name: "Import" })).toBeVisible();
    await expect(page.getByText("180,000 articles added")).toHaveCount(0);
  });

  test("whose upload breaks off is tried again without choosing the file anew", async ({
    page,
    machine,
    quiet,
  }) => {
    quiet.allow(OFFLINE);
    const report = standIn.report();
    await standIn.imports(page, machine.url, report);
    let begun = 0;
    page.on("request", (request) => {
      if (request.method() === "POST" && request.url().endsWith("/imports")) begun += 1;
    });
    await page.route("**/uploads/*", (route) => route.abort(), { times: 1 });
    await chosen(page, machine);
    await expect(page.getByText("The upload of “ports.jsonl” broke off")).toBeVisible();
    await page.route("**/uploads/*", (route) => route.fulfill({ status: 403, body: "<Error/>" }), {
      times: 1,
    });
    await page.getByRole("button", { name: "Try again" }).click();
    await expect(page.getByText("The storage didn't take “ports.jsonl” (6.0 MB, answer 403).")).toBeVisible();
    await page.getByRole("button", { name: "Try again" }).click();
    await expect(page.getByText("is uploaded and waits its turn")).toBeVisible();
    // An address that refused the file is not sent it again.
    expect(begun).toBe(2);
    Object.assign(report, { status: "failed", bytes_read: 0, error: "The file is not UTF-8." });
    await expect(page.getByText("The file is not UTF-8. Nothing was imported.")).toBeVisible();
    await expect(page.getByRole("button", { name: "Try again" })).toHaveCount(0);
  });

  test("is stopped while it is uploaded, and begun again", async ({ page, machine }) => {
    const report = standIn.report();
    await standIn.imports(page, machine.url, report);
    let stalled = true;
    await page.route("**/uploads/*", async (route) => {
      if (!stalled) await route.fallback();
    });
    await chosen(page, machine);
    await expect(page.getByText("Keep this page open until it is there.")).toBeVisible();
    await page.getByRole("button", { name: "Stop" }).click();
    await expect(page.getByText("The upload was stopped. Nothing was imported.")).toBeVisible();
    stalled = false;
    await page.getByRole("button", { name: "Try again" }).click();
    await expect(page.getByText("is uploaded and waits its turn")).toBeVisible();
  });

  test("whose page was left during the upload says that it is lost", async ({ page, machine, quiet }) => {
    quiet.allow(/409/);
    await standIn.imports(page, machine.url, standIn.report());
    await page.route("**/uploads/*", () => {});
    await chosen(page, machine);
    await expect(page.getByText("Keep this page open until it is there.")).toBeVisible();
    page.on("dialog", (dialog) => void dialog.accept());
    await page.reload();
    await expect(page.getByText("The upload of “ports.jsonl” ended when the page was left.")).toBeVisible();
    await page.getByRole("button", { name: "Close" }).click();
    await page.reload();
    await expect(page.getByText("ended when the page was left")).toHaveCount(0);
  });

  test("of more than fits is refused before anything is sent", async ({ page, machine }) => {
    const folder = mkdtempSync(join(tmpdir(), "workshop-large-"));
    try {
      const file = join(folder, "everything.jsonl");
      writeFileSync(file, "");
      truncateSync(file, 200_000_001);
      await page.goto(`${machine.url}/topics`);
      await page.getByLabel("File").setInputFiles(file);
      await expect(page.getByText("200.0 MB fit into one import. Cut it into files")).toBeVisible();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test.describe("a run", () => {
  test("shows each tool call as it is made, with arguments, result and error", async ({
    page,
    machine,
    model,
  }) => {
    model.answer = "and more words ".repeat(400);
    model.pace = 50;
    let calls = standIn.CALLS.slice(0, 1);
    await standIn.run(page, () => ({ tool_calls: calls }));
    const draft = await machine.draft(TEXT);
    try {
      await open(page, machine, draft);
      await page.getByRole("tab", { name: "Test" }).click();
      await page.getByLabel("Question").fill("What do surveys say about AI adoption?");
      await page.keyboard.press("Control+Enter");
      const list = page.getByRole("list", { name: "Tool calls in order" });
      await expect(list.getByRole("listitem")).toHaveCount(1);
      await expect(list).toContainText(
        "Searched by words and meaning “surveys of AI adoption among small firms”",
      );
      calls = standIn.CALLS;
      await expect(list.locator(":scope > li")).toHaveCount(4);
      await expect(page.locator(".calls > summary")).toContainText("4 tool calls, one with an error");
      await page.getByRole("button", { name: "Cancel" }).click();
    } finally {
      model.pace = 0;
    }
    const first = page.locator(".call").first();
    await first.locator("summary").press("Enter");
    await expect(first).toContainText("days back");
    await expect(first).toContainText("14 articles");
    await expect(first.getByRole("region", { name: "Result of call 1" })).toContainText("two in five firms");
    await expect(first).toContainText("The beginning of 8,412 characters");
    const last = page.locator(".call").last();
    await expect(last).toContainText("Error");
    await last.locator("summary").click();
    await expect(last).toContainText('{"query": "hospitals');
    await expect(last).toContainText("The arguments are no JSON object.");
  });

  test("says what its answer was checked for, and what that can't know", async ({ page, machine, model }) => {
    model.answer = "Surveys say **two in five** firms tried it.";
    const draft = await machine.draft(TEXT);
    await tested(machine, draft, { query: "What do surveys say about AI adoption?" });
    await tested(machine, draft, { query: "What do hospitals say about AI adoption?" });
    await standIn.run(page, () => ({ tool_calls: standIn.CALLS, checks: standIn.CHECKS }));
    await open(page, machine, draft);
    await page.getByRole("tab", { name: "Test" }).click();
    const checked = page.getByRole("region", { name: "What the answer was checked for" });
    await expect(checked).toContainText("412 words, 7 citations, 4 of 12 given articles cited, 3 outlets");
    await expect(checked).toContainText("1 link to no article that was given");
    await expect(checked.getByText("https://oecd.example.org/ai-2026")).toBeVisible();
    // Where an invented address leads nobody knows.
    await expect(checked.getByRole("link")).toHaveCount(0);
    await expect(checked).toContainText("3 claims with a number and no citation");
    await expect(checked).toContainText("and 2 others");
    await expect(checked).toContainText("a section on gaps");
    await expect(checked).toContainText("They can't tell whether a claim is true");
    // What was looked up before is one line until it is asked for.
    await expect(page.locator(".call").first()).toBeHidden();

    await page.getByRole("tab", { name: "History" }).click();
    for (const box of await page.getByRole("checkbox", { name: /^Compare/ }).all()) await box.check();
    await page.getByRole("button", { name: "Compare the two" }).click();
    const row = page.getByRole("row", { name: /^Invented links/ });
    await expect(row.getByRole("cell")).toHaveText(["1", "1"]);
    await expect(page.getByRole("row", { name: /^Tool calls/ }).getByRole("cell")).toHaveText(["4", "4"]);
  });
});
