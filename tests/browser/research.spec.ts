/**
 * Where articles come from, how they are found, and what a model made of them:
 * feeds and their health, large imports, why a search found what it found, the
 * tool calls of a run and what its answer was checked for.
 */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { Machine } from "./machine";
import { articles, LONG_LINES, largeFile, rested, tested } from "./prepare";
import { Publisher } from "./publisher";
import * as standIn from "./stand-in";
import { test as base, expect, OFFLINE, open, TEXT } from "./workshop";

/** A machine of this file's own, whose model calls tools and which may fetch what `publisher` publishes. */
const test = base.extend<object, { publisher: Publisher; machine: Machine }>({
  publisher: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads from the pattern which fixtures are needed.
    async ({}, use) => {
      const publisher = await Publisher.start();
      await use(publisher);
      await publisher.stop();
    },
    { scope: "worker" },
  ],
  machine: [
    async ({ model, publisher }, use) => {
      const machine = await Machine.withTools(model.url, { WORKSHOP_REACHABLE: publisher.address });
      await use(machine);
      await machine.stop();
    },
    { scope: "worker" },
  ],
});

const TOPIC = "/topics/AI%20Adoption";

const feedNamed = (page: Page, title: string) =>
  page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: title, exact: true }) });

const entry = (name: string, text = `What is known of ${name} so far.`) => ({
  title: `News of ${name}`,
  link: `https://news.example.com/${name}`,
  text,
});

/** A topic with one article, under a name of its own. */
async function topic(machine: Machine, name: string): Promise<string> {
  await articles(machine, name, [
    { title: "A first article", url: "https://news.example.com/first", summary: "To begin with." },
  ]);
  return `${machine.url}/topics/${name}`;
}

test.describe("feeds", () => {
  test("one is followed, collected and let go, and says each time what came of it", async ({
    page,
    machine,
    publisher,
    quiet,
  }) => {
    quiet.allow(/429|409/);
    const url = publisher.rss("/harbour.xml", "Harbour Gazette", [entry("cranes"), entry("tides")]);
    await page.goto(await topic(machine, "Harbours"));
    await page.getByRole("tab", { name: "Feeds" }).click();
    await expect(page.getByText("No feed is followed yet")).toBeVisible();
    const address = page.getByLabel("Address of a feed");
    await address.fill(url);
    await page.getByRole("button", { name: "Follow", exact: true }).click();
    const feed = feedNamed(page, "Harbour Gazette");
    await expect(feed).toContainText(/Collected just now, 2 new\. Next in 3\d minutes\./);
    await expect(feed).toContainText(url);
    await expect(page.getByRole("status").filter({ hasText: "2 articles came in" })).toBeVisible();
    await expect(address).toHaveValue("");
    await expect(address).toBeFocused();
    await expect(page.getByRole("tab", { name: "Feeds" })).toContainText("1");
    await expect(page.getByText("3 articles, published")).toBeVisible();

    // Too soon, which is told of where it was asked for.
    const collect = feed.getByRole("button", { name: /^Collect now/ });
    await collect.click();
    await expect(feed).toContainText(/once a minute at the most: try again in \d+ seconds/);
    await expect(collect).toBeFocused();

    publisher.rss("/harbour.xml", "Harbour Gazette", [entry("pilots"), entry("cranes"), entry("tides")]);
    await rested(machine, "Harbours");
    await collect.click();
    await expect(feed).toContainText("1 new");
    await expect(page.getByText("“Harbour Gazette” is collected: 1 new.")).toBeVisible();

    // One that follows already is refused, and nothing is lost.
    await address.fill(url);
    await page.keyboard.press("Enter");
    await expect(address).toHaveAccessibleDescription(/follows this feed already/);
    await expect(address).toHaveValue(url);

    // Stopping asks first, and the focus is never nowhere.
    const stop = feed.getByRole("button", { name: /^Stop following/ });
    await stop.click();
    await page.getByRole("dialog").getByRole("button", { name: "Keep following" }).click();
    await expect(stop).toBeFocused();
    await stop.click();
    await page.getByRole("dialog").getByRole("button", { name: "Stop following" }).click();
    await expect(feed).toHaveCount(0);
    await expect(page.getByText("Its articles stay in the topic.")).toBeVisible();
    await expect(address).toBeFocused();

    await page.getByRole("tab", { name: "Articles" }).click();
    await expect(page.getByRole("link", { name: "News of pilots" })).toBeVisible();
  });

  test("an address that is no feed is refused at the field, and what its page names can be followed", async ({
    page,
    machine,
    publisher,
    quiet,
  }) => {
    quiet.allow(/422/);
    const all = publisher.rss("/all.xml", "Everything", [entry("everything")]);
    const site = publisher.publish(
      "/site",
      '<!doctype html><title>News</title><link rel="alternate" type="application/rss+xml" href="/all.xml"><p>Read.',
      "text/html",
    );
    await page.goto(`${await topic(machine, "Sites")}?view=feeds`);
    const address = page.getByLabel("Address of a feed");
    await address.fill(site);
    await page.keyboard.press("Enter");
    await expect(address).toHaveAttribute("aria-invalid", "true");
    await expect(address).toHaveAccessibleDescription(/a web page and not a feed/);
    await expect(address).toBeFocused();
    await expect(address).toHaveValue(site);
    await page.getByRole("button", { name: `Follow ${all}` }).click();
    await expect(feedNamed(page, "Everything")).toBeVisible();
    await expect(address).toHaveAttribute("aria-invalid", "false");
  });

  test("an address within the server's own network is refused", async ({
    page,
    machine,
    publisher,
    quiet,
  }) => {
    quiet.allow(/422/);
    await page.goto(`${await topic(machine, "Within")}?view=feeds`);
    const address = page.getByLabel("Address of a feed");
    const port = publisher.address.split(":")[1];
    for (const within of [machine.dynamodb, `http://localhost:${port}/all.xml`, "http://169.254.169.254/"]) {
      await address.fill(within);
      await page.keyboard.press("Enter");
      await expect(address).toHaveAccessibleDescription(/not on the public internet, so it is not fetched/);
      await expect(address).toHaveValue(within);
    }
    await expect(page.getByText("No feed is followed yet")).toBeVisible();
  });

  test("one that is out of order is followed all the same, says why it fails, and recovers", async ({
    page,
    machine,
    publisher,
  }) => {
    const url = publisher.publish("/busy.xml", "Later.", "text/plain", 503);
    await page.goto(`${await topic(machine, "Busy")}?view=feeds`);
    await page.getByLabel("Address of a feed").fill(url);
    await page.keyboard.press("Enter");
    await expect(page.getByText("It is followed all the same.")).toBeVisible();
    await expect(feedNamed(page, "127.0.0.1")).toContainText(
      /Failing The feed's server asks to be left alone for now\. .*It has never worked\. Next try in 3\d minutes\./,
    );
    await expect(page.getByRole("tab", { name: "Feeds" })).toContainText("1, 1 failing");

    publisher.rss("/busy.xml", "The Busy Bee", [entry("bees")]);
    await rested(machine, "Busy");
    await page.getByRole("button", { name: /^Collect now/ }).click();
    await expect(feedNamed(page, "The Busy Bee")).toContainText("Working Collected just now, 1 new.");
    await expect(page.getByRole("tab", { name: "Feeds" })).not.toContainText("failing");
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

  test("an empty topic leads to them, by the keyboard too", async ({ page, machine, publisher }) => {
    const url = publisher.publish("/quiet.xml", "Later.", "text/plain", 503);
    const { id } = await machine.ask<{ id: string }>("POST", "/topics/Empty/feeds", { url });
    await machine.ask("DELETE", `/topics/Empty/feeds/${id}`);
    await page.goto(`${machine.url}/topics/Empty`);
    await page.getByRole("button", { name: "Follow a feed" }).press("Enter");
    await expect(page.getByLabel("Address of a feed")).toBeFocused();
    await expect(page).toHaveURL(/\?view=feeds$/);
    await page.getByRole("tab", { name: "Feeds" }).press("ArrowLeft");
    await expect(page.getByRole("tab", { name: "Articles" })).toBeFocused();
    await expect(page.getByText("No articles yet")).toBeVisible();
  });

  test("a feed into a new topic makes the topic", async ({ page, machine, publisher }) => {
    const url = publisher.rss("/new.xml", "The New Paper", [entry("new")]);
    await page.goto(`${machine.url}/topics`);
    await page.getByLabel("Address of a feed").fill(url);
    await page.keyboard.press("Enter");
    await expect(page.getByText("Name the topic that its articles belong to.")).toBeVisible();
    await expect(page.getByLabel("Into the topic")).toBeFocused();
    await page.keyboard.type("Paper mills");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/\/topics\/Paper%20mills\?view=feeds$/);
    await expect(feedNamed(page, "The New Paper")).toBeVisible();
    await page.getByRole("tab", { name: "Articles" }).click();
    await expect(page.getByRole("link", { name: "News of new" })).toBeVisible();
  });
});

test.describe("a large import", () => {
  const report = (number: number) => ({
    title: `Report ${number} of the harbour`,
    url: `https://harbour.example/${number}`,
    published_at: "2026-11-20T08:00:00Z",
    summary: Array.from({ length: 30 }, (_, word) => `w${number * 7_919 + word * word * 104_729}`).join(" "),
  });
  /** So many articles take the server some seconds. */
  const SLOW = 600;
  const TWO = largeFile([report(1), report(2)]);

  /** Chooses a file on the page that is open, and has it imported. */
  async function imported(page: Page, topic: string, buffer = TWO): Promise<void> {
    await page.getByLabel("Topic", { exact: true }).fill(topic);
    await page
      .getByLabel("File")
      .setInputFiles({ name: "ports.jsonl", mimeType: "application/x-ndjson", buffer });
    await page.getByRole("button", { name: "Import" }).click();
  }

  /** What the page sends is sent that fast, in bytes a second; -1 is without a limit. */
  async function sending(page: Page, bytes: number): Promise<void> {
    const session = await page.context().newCDPSession(page);
    await session.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: bytes,
    });
  }

  /** The imports that the page starts, and the files it sends, by their addresses. */
  function asked(page: Page): { started: string[]; sent: string[] } {
    const all = { started: [] as string[], sent: [] as string[] };
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (request.method() === "POST" && url.pathname.endsWith("/imports")) all.started.push(url.href);
      if (request.method() === "PUT" && url.pathname.startsWith("/uploads/")) all.sent.push(url.href);
    });
    return all;
  }

  const done = (page: Page, topic: string, added: number, rejected = LONG_LINES) =>
    expect(
      page.getByText(
        `“ports.jsonl” is imported into “${topic}”: ${added} articles added, 0 updated, ${rejected} lines rejected.`,
      ),
    ).toBeVisible({ timeout: 60_000 });

  test("is uploaded, read in the background, told of in figures, and still there after a reload", async ({
    page,
    machine,
  }) => {
    const first = Array.from({ length: 10 }, (_, number) => report(number));
    const then = Array.from({ length: SLOW }, (_, number) => report(10 + number));
    const copy = { ...report(1), url: "https://mirror.example/1" };
    const file = largeFile([{ title: "No address" }, ...first], [...then, copy]);
    const [added, rejected] = [first.length + then.length, LONG_LINES + 1];
    await page.goto(`${machine.url}/topics`);
    await sending(page, 2_000_000);
    const put = page.waitForRequest((request) => request.method() === "PUT");
    await imported(page, "Ports", file);
    await expect(page.getByRole("progressbar", { name: /^Uploading “ports.jsonl”\. Keep/ })).toBeVisible();
    await expect(page.getByText(/^[1-5]\.\d of \d\.\d MB sent$/)).toBeVisible();
    expect(await (await put).headerValue("authorization")).toBeNull();
    await expect(
      page.getByText(/You can leave the page\.|This goes on when you leave the page\./),
    ).toBeVisible();

    await page.reload();
    const bar = page.getByRole("progressbar", { name: /^The articles of “ports.jsonl” go into “Ports”\./ });
    await expect(bar).toBeVisible();
    await expect(page.getByText(/^Read [23]\.\d of \d\.\d MB; 10 new, \d+ not taken$/)).toBeVisible();
    await expect(bar).toHaveAttribute("value", /^\d+$/);
    await expect(page.getByRole("button", { name: "Importing" })).toHaveAttribute("aria-disabled", "true");
    await done(page, "Ports", added, rejected);
    await expect(page.getByText("One was a copy of articles that are here")).toBeVisible();
    const lines = page.getByRole("region", { name: `${rejected} lines were rejected` }).getByRole("row");
    await expect(lines).toHaveCount(1 + rejected);
    await expect(lines.nth(1)).toContainText(/^1The/);
    await expect(lines.nth(2)).toContainText("12The line is longer than 200 KB.");
    await expect(page.getByRole("row", { name: "Ports" })).toContainText(`${added}`);

    // Its result waits until it is put away.
    await page.reload();
    await done(page, "Ports", added, rejected);
    await page.getByRole("button", { name: "Done" }).click();
    await page.reload();
    await expect(page.getByRole("button", { name: "Import" })).toBeVisible();
    await expect(page.getByText("is imported into")).toHaveCount(0);
  });

  test("goes in under another name of the machine, too", async ({ page, machine }) => {
    const own = machine.url.replace("127.0.0.1", "localhost");
    const { sent } = asked(page);
    await page.goto(`${own}/topics`);
    await imported(page, "Other names");
    await done(page, "Other names", 2);
    expect(sent.map((url) => new URL(url).origin)).toEqual([own]);
  });

  test("whose page was left during the upload says that it is lost, and is chosen again", async ({
    page,
    machine,
    quiet,
  }) => {
    quiet.allow(/409/);
    page.on("dialog", (dialog) => void dialog.accept());
    await page.goto(`${machine.url}/topics`);
    await sending(page, 500_000);
    await imported(page, "Left");
    await expect(page.getByText(/^[1-5]\.\d of 6\.4 MB sent$/)).toBeVisible();
    await page.reload();
    await expect(
      page.getByText(
        "The upload of “ports.jsonl” ended when the page was left. Nothing of it was imported; choose the file again.",
      ),
    ).toBeVisible();
    await expect(page.getByRole("button", { name: "Try again" })).toHaveCount(0);
    await page.getByRole("button", { name: "Close" }).click();
    await page.reload();
    await expect(page.getByText("ended when the page was left")).toHaveCount(0);
    await sending(page, -1);
    await imported(page, "Left");
    await done(page, "Left", 2);
  });

  test("is stopped while it is uploaded, and begun again", async ({ page, machine }) => {
    await page.goto(`${machine.url}/topics`);
    await sending(page, 500_000);
    await imported(page, "Stopped");
    await expect(page.getByText("Keep this page open until it is there.")).toBeVisible();
    await page.getByRole("button", { name: "Stop" }).click();
    await expect(page.getByText("The upload was stopped. Nothing was imported.")).toBeVisible();
    await sending(page, -1);
    await page.getByRole("button", { name: "Try again" }).click();
    await done(page, "Stopped", 2);
  });

  test("that fails on its way is tried again without choosing the file anew", async ({
    page,
    machine,
    quiet,
  }) => {
    quiet.allow(OFFLINE);
    const { started, sent } = asked(page);
    const again = page.getByRole("button", { name: "Try again" });
    const once = { times: 1 };
    await page.goto(`${machine.url}/topics`);
    await page.route("**/uploads/*", (route) => route.abort(), once);
    await imported(page, "Troubles");
    await expect(page.getByText("The upload of “ports.jsonl” broke off")).toBeVisible();

    // An address that refused the file is not sent it again.
    await page.route("**/uploads/*", (route) => route.fulfill({ status: 403, body: "<Error/>" }), once);
    await again.click();
    await expect(page.getByText("The storage didn't take “ports.jsonl” (6.4 MB, answer 403).")).toBeVisible();
    expect([started.length, new Set(sent).size, sent.length]).toEqual([1, 1, 2]);

    // One that took it is not, either, unless the server says that it isn't there.
    const refused = (status: number, code: string, sentence: string) =>
      page.route("**/run", (route) => standIn.refuse(route, status, code, sentence), once);
    await refused(503, "unavailable", "It can't be seen just now. It is kept for two days; try again.");
    await again.click();
    await expect(page.getByText("It is kept for two days; try again.")).toBeVisible();
    await expect(page.getByRole("button", { name: "Import it in parts" })).toHaveCount(0);
    await page.route("**/run", (route) => route.abort(), once);
    await again.click();
    await expect(page.getByText("“ports.jsonl” is uploaded, but the workshop's server")).toBeVisible();
    await refused(
      409,
      "conflict",
      "The file that was uploaded has 5 bytes. Nothing was imported; send it again.",
    );
    await again.click();
    await expect(page.getByText("has 5 bytes. Nothing was imported; send it again.")).toBeVisible();
    expect([started.length, sent.length]).toEqual([2, 3]);
    await again.click();
    await done(page, "Troubles", 2);
    expect(sent.length).toBe(4);
  });

  test("that was uploaded goes on after a reload, as soon as the server can be asked", async ({
    page,
    machine,
    quiet,
  }) => {
    quiet.allow(/503/);
    await page.route("**/run", (route) =>
      standIn.refuse(route, 503, "unavailable", "It can't be seen just now. Try again."),
    );
    const { sent } = asked(page);
    await page.goto(`${machine.url}/topics`);
    await imported(page, "Later");
    await expect(page.getByText("It can't be seen just now. Try again.")).toBeVisible();
    await page.reload();
    await expect(page.getByText("Asking the server how far “ports.jsonl” is.")).toBeVisible();
    await expect(page.getByText("Nothing is lost; this looks again by itself.")).toBeVisible();
    await page.unroute("**/run");
    await done(page, "Later", 2);
    expect(sent.length).toBe(1);
  });

  test("goes in in parts where no file can be uploaded", async ({ page, machine, quiet }) => {
    quiet.allow(/503/);
    const sentence = "Files of this size can't be taken just now. Nothing was imported; try again later.";
    await page.route("**/imports", (route) => standIn.refuse(route, 503, "unavailable", sentence));
    await page.goto(`${machine.url}/topics`);
    await imported(page, "In parts");
    await expect(page.getByText(sentence)).toBeVisible();
    await page.getByRole("button", { name: "Import it in parts" }).click();
    await done(page, "In parts", 2);
  });

  test("of more than fits is refused before anything is sent", async ({ page, machine }) => {
    const folder = mkdtempSync(join(tmpdir(), "workshop-large-"));
    try {
      const file = join(folder, "everything.jsonl");
      writeFileSync(file, "");
      truncateSync(file, 200_000_001);
      await page.goto(`${machine.url}/topics`);
      await page.getByLabel("File").setInputFiles(file);
      const said = "“everything.jsonl” is larger than the 200 MB that one import takes. Nothing was sent;";
      await expect(page.getByText(said)).toBeVisible();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test.describe("a search", () => {
  test("says why each article was found, and marks its words", async ({ page, machine }) => {
    await page.goto(`${machine.url}${TOPIC}?query=What+do+surveys+say+about+adoption+in+hospitals`);
    const results = page.locator(".results > ol > li");
    const both = results.filter({
      hasText: /\d(?:st|nd|rd|th) by words \([^)]+\), \d+(?:st|nd|rd|th) by meaning/,
    });
    await expect(both.first().locator("mark").first()).toBeVisible();
    const words = results.filter({ hasText: /Found by words alone, as the \d+(?:st|nd|rd|th) \(/ });
    await expect(words.first().locator("mark").first()).toHaveText(
      /^(?:surveys?|says?|adoption|hospitals?)$/i,
    );
    const meaning = results.filter({ hasText: /Found by meaning alone, as the \d/ });
    await expect(meaning.first()).toBeVisible();
    await expect(meaning.locator("mark")).toHaveCount(0);
  });

  test("folds copies and near copies of a story into one", async ({ page, machine }) => {
    const told = [
      "The Port Merrow harbour board voted on Tuesday to build a tidal barrier at a cost of 48 million crowns.",
      "Work begins in March and takes three years, said the board's chair, Ada Holm, after the vote.",
      "Fishers had asked for a wider gate, and got one of thirty metres.",
      "The town pays a third, the state the rest; a charge on moorings is to pay it back within twenty years.",
    ];
    const cut = [
      ...told.slice(0, 3),
      "Elsewhere on the coast two smaller towns wait for the outcome before they decide on walls of their own.",
    ];
    await articles(machine, "Barriers", [
      {
        title: "Harbour board approves tidal barrier",
        url: "https://a.example.org/barrier",
        summary: told.join(" "),
      },
      {
        title: "Harbour board approves tidal barrier",
        url: "https://b.example.org/barrier",
        summary: told.join(" "),
      },
      {
        title: "Harbour board approves a barrier",
        url: "https://c.example.org/barrier",
        summary: cut.join(" "),
      },
    ]);
    await page.goto(`${machine.url}/topics/Barriers?query=tidal+barrier`);
    const results = page.locator(".results > ol > li");
    await expect(results).toHaveCount(1);
    await expect(results.getByText("Also at")).toBeVisible();
    await expect(results.getByRole("link", { name: "b.example.org" })).toHaveAttribute(
      "href",
      "https://b.example.org/barrier",
    );
    const other = results.getByRole("link", { name: "Harbour board approves a barrier" });
    await expect(other).toBeHidden();
    await results.getByText("1 similar report").click();
    await expect(other).toBeVisible();
  });

  test("is filtered by what its articles have, and its address leads back to it", async ({
    page,
    machine,
  }) => {
    await page.goto(machine.url + TOPIC);
    const categories = page.getByLabel("Category").locator("option");
    await expect(categories.nth(0)).toHaveText("All");
    await expect(categories.nth(1)).toHaveText("Workplace (10)");
    await expect(page.getByText("count the newest")).toHaveCount(0);
    await page.getByLabel("Try a search").fill("surveys");
    await page.getByLabel("Category").selectOption("Regulation");
    await page.getByLabel("Published").selectOption("30");
    await page.keyboard.press("Tab");
    await page.getByRole("button", { name: "Search" }).press("Enter");
    await expect(page).toHaveURL(`${machine.url}${TOPIC}?query=surveys&category=Regulation&days=30`);
    await expect(page.locator(".results header")).toContainText("Only Regulation, the last 30 days.");
    const facts = page.locator(".results > ol > li > .facts:first-of-type");
    await expect(facts.first()).toContainText("Regulation");
    await expect(facts.filter({ hasNotText: "Regulation" })).toHaveCount(0);
    // What can be chosen is what is there in that period.
    await expect(categories.nth(1)).toHaveText(/^Workplace \([1-9]\)$/);

    await page.getByLabel("Source").selectOption("Regulators' Gazette");
    await page.getByRole("button", { name: "Search" }).click();
    await expect(page).toHaveURL(/source=Regulators%27\+Gazette/);
    await expect(facts.filter({ hasNotText: "Regulators' Gazette" })).toHaveCount(0);
    await page.goBack();
    await expect(page.getByLabel("Source")).toHaveValue("");
    await expect(page.getByLabel("Category")).toHaveValue("Regulation");
    await page.goBack();
    await expect(page.getByLabel("Try a search")).toHaveValue("");
    await page.goForward();
    await page.reload();
    await expect(page.getByLabel("Try a search")).toHaveValue("surveys");
    await expect(page.getByLabel("Published")).toHaveValue("30");
    await page.getByRole("link", { name: "Without the filters" }).click();
    await expect(page).toHaveURL(`${machine.url}${TOPIC}?query=surveys`);
    await expect(page.locator(".results[aria-busy=false] header")).not.toContainText("Only");
  });

  test("keeps a filter that no article has, since its address says so", async ({ page, machine }) => {
    await page.goto(`${machine.url}${TOPIC}?category=Fishing&days=45`);
    await expect(page.getByLabel("Category")).toHaveValue("Fishing");
    await expect(page.getByLabel("Published")).toHaveValue("45");
    await expect(page.locator(".results[aria-busy=false] header")).toContainText("Only Fishing");
    await expect(page.getByText("No article matches. Try other words")).toBeVisible();
  });

  test("says when the numbers beside its filters are not of all", async ({ page, machine }) => {
    await standIn.facets(page);
    await page.goto(machine.url + TOPIC);
    await expect(page.getByText("count the newest 1,000 articles only")).toBeVisible();
  });
});

test.describe("a run", () => {
  const call = (name: string, given: object | string) => ({
    name,
    arguments: typeof given === "string" ? given : JSON.stringify(given),
  });
  const search = call("enhanced_database_search", {
    query: "surveys of AI adoption among small firms",
    limit: 20,
    days: 400,
  });

  test.beforeEach(({ model }) => {
    model.turns = [];
  });

  test("shows each tool call as it is made, with arguments, result and error", async ({
    page,
    machine,
    model,
  }) => {
    let goOn = (): void => {};
    const after = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    model.turns = [
      { calls: [search] },
      { calls: [call("get_article_categories", {})], after },
      { calls: [call("search_articles_by_categories", { categories: ["Regulation", "Healthcare"] })] },
      { calls: [call("follow_up_query", '{"query": "hospitals')] },
    ];
    model.answer = "and more words ".repeat(400);
    model.pace = 50;
    const draft = await machine.draft(TEXT);
    try {
      await open(page, machine, draft);
      await page.getByRole("tab", { name: "Test" }).click();
      await page.getByLabel("Question").fill("What do surveys say about AI adoption?");
      await page.keyboard.press("Control+Enter");
      const list = page.getByRole("list", { name: "Tool calls in order" });
      await expect(list.locator(":scope > li")).toHaveCount(1);
      await expect(list).toContainText(
        "Searched by words and meaning “surveys of AI adoption among small firms”",
      );
      goOn();
      await expect(list.locator(":scope > li")).toHaveCount(4);
      await expect(page.locator(".calls > summary")).toContainText("4 tool calls, one with an error");
      await page.getByRole("button", { name: "Cancel" }).click();
    } finally {
      goOn();
      model.pace = 0;
    }
    const first = page.locator(".call").first();
    await first.locator("summary").press("Enter");
    await expect(first).toContainText("days400");
    await expect(first).toContainText(/\d+ articles/);
    await expect(first.getByRole("region", { name: "Result of call 1" })).toContainText(
      "Seven firms in ten now use generative AI",
    );
    await expect(first).toContainText(/The beginning of [\d,]+ characters/);
    const second = page.locator(".call").nth(1);
    await second.locator("summary").click();
    await expect(second).toContainText("Without arguments.");
    await expect(second.getByRole("region", { name: "Result of call 2" })).toContainText("- Workplace: 10");
    await expect(page.locator(".call").nth(2)).toContainText("“Regulation, Healthcare”");
    const last = page.locator(".call").last();
    await expect(last).toContainText("Error");
    await last.locator("summary").click();
    await expect(last).toContainText('{"query": "hospitals');
    await expect(last).toContainText("The arguments are not valid JSON");
  });

  test("says what its answer was checked for, and what that can't know", async ({ page, machine, model }) => {
    const found = await machine.ask<{ articles: { url: string; source: string }[] }>(
      "GET",
      "/topics/AI%20Adoption/articles?query=surveys+of+AI+adoption+among+small+firms&limit=5&days=400",
    );
    const [one, two] = found.articles;
    model.answer = [
      `Surveys say [two in five firms](${one?.url}) tried it, and [most](${two?.url}) keep it; see [the first](${one?.url}) again.`,
      "",
      "More is in [the OECD's report](https://oecd.example.org/ai-2026).",
      "",
      ...Array.from(
        { length: 7 },
        (_, at) => `Of the hospitals, ${60 + at} per cent plan to buy such a system.`,
      ),
    ].join("\n");
    const draft = await machine.draft(`${TEXT}\n\nInclude a section called "Gaps".`);
    for (const query of [
      "What do surveys say about AI adoption?",
      "What do hospitals say about AI adoption?",
    ]) {
      model.turns = [{ calls: [search] }];
      await tested(machine, draft, { query });
    }
    await open(page, machine, draft);
    await page.getByRole("tab", { name: "Test" }).click();
    const checked = page.getByRole("region", { name: "What the answer was checked for" });
    await expect(checked).toContainText(/\d+ words, 3 citations, 2 of 5 given articles cited, \d outlets?/);
    await expect(checked).toContainText("1 link to no article that was given");
    await expect(checked.getByText("https://oecd.example.org/ai-2026")).toBeVisible();
    // Where an invented address leads nobody knows.
    await expect(checked.getByRole("link")).toHaveCount(0);
    await expect(checked).toContainText("7 claims with a number and no citation");
    const claim = checked.getByText("Of the hospitals, 63 per cent");
    await expect(claim).toBeHidden();
    await checked.getByText("7 claims with a number").click();
    await expect(claim).toBeVisible();
    await expect(checked).toContainText("Asked for and not found");
    await expect(checked).toContainText("Gaps");
    await expect(checked).toContainText("They can't tell whether a claim is true");
    // What was looked up before is one line until it is asked for.
    await expect(page.locator(".calls > summary")).toContainText("1 tool call");
    await expect(page.locator(".call").first()).toBeHidden();

    await page.getByRole("tab", { name: "History" }).click();
    for (const box of await page.getByRole("checkbox", { name: /^Compare/ }).all()) await box.check();
    await page.getByRole("button", { name: "Compare the two" }).click();
    const row = page.getByRole("row", { name: /^Invented links/ });
    await expect(row.getByRole("cell")).toHaveText(["1", "1"]);
    await expect(page.getByRole("row", { name: /^Tool calls/ }).getByRole("cell")).toHaveText(["1", "1"]);
  });
});
