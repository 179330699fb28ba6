/**
 * Everyone can use the page: axe finds nothing on any view, in either theme, on
 * a wide screen and at 360 pixels, where nothing has to be scrolled sideways;
 * and the keyboard alone is enough.
 */
import type { Locator, Page } from "@playwright/test";
import { axeFinds } from "./axe";
import { Machine } from "./machine";
import { articles, commit, converse, largeFile, tested } from "./prepare";
import * as standIn from "./stand-in";
import { editor, expect, open, saveState, TEXT, test, text } from "./workshop";

const WIDE = { width: 1360, height: 860 };
const NARROW = { width: 360, height: 740 };
/** So high that nothing is scrolled out of sight: of what is, axe can't tell the contrast. */
const WHOLE = 3_000;

/** Whether narrow screens are looked at in the dark as well, as they are in the night. */
const EVERY_LOOK = process.env.WORKSHOP_EVERY_LOOK === "yes";

const ANSWER = [
  "Three things would make it *better*: a **role**, sources, and a form. See [the guide](https://example.com/guide).",
  "",
  "| Part | Why |",
  "| --- | --- |",
  "| Role | Says who writes |",
  "| Sources | `links` only |",
  "",
  "> Quoted from a survey.",
  "",
  "1. First",
  "2. Second",
  "",
  "```markdown",
  TEXT.replace(
    "At most one page, the newest first.",
    "At most half a page.\nThe newest first, each with its date.",
  ),
  "```",
].join("\n");

/** A machine of this file's own: one view is that of someone who has nothing yet. */
let machine: Machine;
/** A draft with all there is: a conversation with a proposal, runs, a library entry. */
let draft: string | undefined;

test.beforeAll(async ({ model }) => {
  machine = await Machine.withModel(model.url);
});

test.afterAll(() => machine.stop());

async function prepare(model: { answer: string }): Promise<void> {
  if (draft !== undefined) return;
  draft = await machine.draft(TEXT, "Weekly brief");
  await machine.ask("PUT", `/auspex/prompts/workshop/drafts/${draft}`, {
    draft_description: "For executives",
  });
  await commit(machine, draft, {
    name: "weekly_brief",
    title: "Weekly brief",
    description: "For executives",
  });
  model.answer = ANSWER;
  await converse(machine, draft, "Make it better.\n\nAnd shorter.");
  const first = await tested(machine, draft, { query: "What do surveys say about AI adoption?" });
  await machine.ask("PATCH", `/auspex/prompts/workshop/drafts/${draft}/tests/${first.test_id}`, {
    user_rating: 4,
    notes: "Cite each figure.",
  });
  await machine.save(draft, `${TEXT}\n\nThe newest first, each with its date.`);
  await commit(machine, draft, {
    name: "weekly_brief",
    title: "Weekly brief",
    description: "For executives",
  });
  await tested(machine, draft, { query: "What do hospitals say about AI adoption in the last 60 days?" });
  await machine.save(draft, `${TEXT}\n\nWritten in plain words.`);
  await machine.draft("", "An empty one");
  await articles(machine, "Ports", [
    {
      title: "A port turns its cranes over to software",
      url: "https://news.example.com/port",
      summary: "Of 40 cranes, 12 run by themselves.",
      text: "A longer text of the article.",
      source: "Example Times",
      category: "Industry",
      sentiment: "neutral",
    },
  ]);
}

/** Rules that axe leaves out by default are asked as well, but for contrast of WCAG's level AAA. */
const RULES = Object.fromEntries(
  [
    "css-orientation-lock",
    "label-content-name-mismatch",
    "p-as-heading",
    "table-fake-caption",
    "target-size",
    "td-has-header",
  ].map((rule) => [rule, { enabled: true }]),
);

async function problems(page: Page, rules: "all" | "contrast"): Promise<string[]> {
  // Half faded in, everything has too little contrast.
  await page.waitForFunction(() =>
    document
      .getAnimations()
      .every(
        (running) => running.effect?.getTiming().iterations === Infinity || running.playState === "finished",
      ),
  );
  const { violations, incomplete } = await axeFinds(page, {
    // Not of all that is in order, which is most of what it finds.
    resultTypes: ["violations", "incomplete"],
    ...(rules === "all" ? { rules: RULES } : { runOnly: ["color-contrast"] }),
  });
  // What axe isn't sure of counts as well where all is in sight (of a dialog it never is), unless it is a sign
  // or two, such as a star. The colours are the same on a narrow screen.
  const isWhole =
    (page.viewportSize()?.width ?? 0) >= WIDE.width && (await page.getByRole("dialog").count()) === 0;
  const unsure = (isWhole ? incomplete : [])
    .filter((found) => found.id === "color-contrast")
    .map((found) => ({
      ...found,
      nodes: found.nodes.filter(
        (node) => !node.any.some((check) => /shortTextContent|nonBmp/.test(String(check.data?.messageKey))),
      ),
    }));
  return [...violations, ...unsure].flatMap((found) =>
    found.nodes.map(
      (node) => `${found.id} (${found.help}) at ${node.target.join(" ")}: ${node.failureSummary ?? ""}`,
    ),
  );
}

/** What sticks out of the window sideways; empty when nothing has to be scrolled. */
const sticksOut = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    return [...document.querySelectorAll("body *")]
      .filter((element) => element.getBoundingClientRect().right > clientWidth + 0.5)
      .map(
        (element) =>
          `${element.tagName.toLowerCase()}.${element.className}: ${element.getBoundingClientRect().right} px`,
      );
  });

/** Shows the prompt's side where only one of the two fits. */
async function promptSide(page: Page): Promise<void> {
  const side = page.locator(".sides").getByRole("button", { name: "Prompt" });
  if (await side.isVisible()) await side.click();
}

async function tab(page: Page, name: "Draft" | "Test" | "History"): Promise<void> {
  await open(page, machine, draft ?? "");
  await page.getByRole("tab", { name }).click();
}

const heading = (page: Page, name: string | RegExp): Promise<void> =>
  expect(page.getByRole("heading", { level: 1, name })).toBeVisible();

async function largeImport(page: Page): Promise<void> {
  await page.goto(`${machine.url}/topics`);
  await page.getByLabel("Topic", { exact: true }).fill("Ports");
  await page
    .getByLabel("File")
    .setInputFiles({ name: "ports.jsonl", mimeType: "application/x-ndjson", buffer: largeFile([]) });
  await page.getByRole("button", { name: "Import" }).click();
}

/** How each view is reached, until it shows what it has to show. */
const VIEWS: Record<string, (page: Page) => Promise<void>> = {
  "the drafts": async (page) => {
    await page.goto(machine.url);
    await expect(page.getByRole("article")).toHaveCount(2);
  },
  "the drafts, with the form for a new one": async (page) => {
    await page.goto(machine.url);
    await page.getByRole("button", { name: "New draft" }).click();
    await expect(page.locator("#from option")).not.toHaveCount(1);
  },
  "the drafts, when a search finds none": async (page) => {
    await page.goto(machine.url);
    await page.getByRole("searchbox", { name: "Search" }).fill("nothing like it");
    await expect(page.getByText("No draft is like that")).toBeVisible();
  },
  "the start of a prompt": async (page) => {
    await page.goto(`${machine.url}/prompt-workshop`);
    await page.getByLabel("What should the prompt do?").fill("x".repeat(10_001));
    await expect(page.locator("#from option")).not.toHaveCount(1);
  },
  "the workshop: a conversation and a draft": async (page) => {
    await open(page, machine, draft ?? "");
    await expect(page.locator(".messages .prose table")).toBeVisible();
    await expect(editor(page)).toContainText("plain words");
  },
  "the workshop: finding in the draft": async (page) => {
    await open(page, machine, draft ?? "");
    await page.getByRole("button", { name: "Find" }).click();
    await page.getByRole("textbox", { name: "Find" }).pressSequentially("the");
    await expect(page.locator(".cm-searchMatch").first()).toBeVisible();
  },
  "the workshop: a proposal": async (page) => {
    await open(page, machine, draft ?? "");
    await page.getByRole("button", { name: "Extract draft" }).click();
    await expect(page.getByRole("heading", { name: /^Proposed at/ })).toBeVisible();
  },
  "the workshop: two texts to choose from": async (page) => {
    const other = await machine.draft(TEXT, "Written by two");
    await open(page, machine, other);
    await machine.save(other, TEXT.replace("At most one page", "At most two pages"));
    await editor(page).click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type(" And short.");
    await page.keyboard.press("Control+s");
    await expect(page.getByRole("heading", { name: /changed here and elsewhere/ })).toBeVisible();
    await machine.ask("DELETE", `/auspex/prompts/workshop/drafts/${other}`);
  },
  "the workshop: a test": async (page) => {
    await tab(page, "Test");
    await page.getByLabel("Question").fill("Too short");
    await expect(page.getByRole("article", { name: "Test run" })).toContainText("Done");
    await expect(page.locator(".articles li")).toHaveCount(5);
  },
  "the workshop: a test with its tool calls and what it was checked for": async (page) => {
    await standIn.run(page, () => ({ tool_calls: standIn.CALLS, checks: standIn.CHECKS }));
    await tab(page, "Test");
    await page.locator(".calls > summary").click();
    for (const call of await page.locator(".call > summary").all()) await call.click();
    await expect(page.getByRole("region", { name: "Result of call 1" })).toBeVisible();
  },
  "the workshop: the history": async (page) => {
    await tab(page, "History");
    await expect(page.locator(".history-row")).toHaveCount(2);
  },
  "the workshop: a run of the history, with the differences since": async (page) => {
    await tab(page, "History");
    await page.getByRole("button", { name: "What do surveys say about AI adoption?" }).click();
    await page.getByRole("button", { name: "Differences to the editor" }).click();
    await expect(page.locator(".ran ins")).toBeVisible();
  },
  "the workshop: two runs compared": async (page) => {
    await tab(page, "History");
    for (const box of await page.getByRole("checkbox").all()) await box.check();
    await page.getByRole("button", { name: "Compare the two" }).click();
    await expect(page.locator(".comparison .diff")).toBeVisible();
  },
  "the workshop: committing": async (page) => {
    await open(page, machine, draft ?? "");
    await page.getByRole("button", { name: "Commit to the library" }).click();
    await expect(page.getByText("This becomes version 3")).toBeVisible();
    await page.getByText("What changes").click();
  },
  "the workshop: a draft that is gone": async (page) => {
    await page.goto(`${machine.url}/prompt-workshop?draft_id=00000000-0000-7000-8000-000000000000`);
    await heading(page, "This draft is not there");
  },
  "the library": async (page) => {
    await page.goto(`${machine.url}/library`);
    await expect(page.getByRole("link", { name: "Weekly brief", exact: true })).toBeVisible();
  },
  "a prompt of the library": async (page) => {
    await page.goto(`${machine.url}/library/weekly_brief`);
    await expect(page.locator(".prompt-text")).toContainText("# Role");
  },
  "two versions of a prompt of the library": async (page) => {
    await page.goto(`${machine.url}/library/weekly_brief?version=2&against=1`);
    await expect(page.locator(".diff ins")).toBeVisible();
  },
  "deleting a prompt of the library": async (page) => {
    await page.goto(`${machine.url}/library/weekly_brief`);
    await page.getByRole("button", { name: "Delete" }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
  },
  "the topics": async (page) => {
    await page.goto(`${machine.url}/topics`);
    await expect(page.getByRole("link", { name: "Ports" })).toBeVisible();
  },
  "the topics, after an import with a bad line": async (page) => {
    await page.goto(`${machine.url}/topics`);
    await page.getByLabel("Topic", { exact: true }).fill("Ports");
    await page.getByLabel("File").setInputFiles({
      name: "ports.jsonl",
      mimeType: "application/x-ndjson",
      buffer: Buffer.from(
        '{"title":"A second port","url":"https://news.example.com/second","summary":"Of ships."}\n{"title":"no address"}\n',
      ),
    });
    await page.getByRole("button", { name: "Import" }).click();
    await expect(page.getByRole("table").last()).toContainText("2");
    await expect(page.getByText(/1 (?:line|article).*(?:rejected|left out)/i).first()).toBeVisible();
  },
  "the topics, with a file's first rows and what is asked of them": async (page) => {
    await page.goto(`${machine.url}/topics`);
    await page.getByLabel("File").setInputFiles({
      name: "ports.csv",
      mimeType: "text/csv",
      buffer: Buffer.from("Headline;Kicker;Date\nCranes swing;Ports;03/04/2026\n"),
    });
    await expect(page.getByLabel("The day is first")).toBeVisible();
    await page.getByRole("button", { name: "Import" }).click();
    await expect(page.getByRole("alert")).toBeVisible();
  },
  "the topics, while a large file is uploaded": async (page) => {
    await page.route("**/uploads/*", () => {});
    await largeImport(page);
    await expect(page.getByText("Keep this page open until it is there.")).toBeVisible();
  },
  "the topics, while a large file is read": async (page) => {
    await page.route(/\/imports\/[^/]+$/, async (route) => {
      const answer = await route.fetch();
      const half = { status: "running", bytes_read: 3_000_000, added: 1_200, rejected_total: 1 };
      const rejected = [{ line: 12, detail: "The title is missing." }];
      await route.fulfill({ response: answer, json: { ...(await answer.json()), ...half, rejected } });
    });
    await largeImport(page);
    await expect(page.getByText("1,200 new, 1 not taken")).toBeVisible();
  },
  "a topic with what a search finds, and why": async (page) => {
    await standIn.feeds(page, structuredClone(standIn.FEEDS));
    await standIn.facets(page);
    await standIn.found(page, (_, place) => standIn.REASONS[place] ?? {});
    await page.goto(`${machine.url}/topics/Ports?query=cranes&source=Example+Times`);
    await expect(page.locator(".results mark").first()).toBeVisible();
    for (const more of await page.locator(".results details summary").all()) await more.click();
  },
  "a topic's feeds, with an address that was refused": async (page) => {
    await standIn.feeds(page, structuredClone(standIn.FEEDS), {
      follow: (route) =>
        standIn.refuse(route, 422, "invalid", "It names https://news.example.com/all.xml.", "/url"),
      collect: (route) => standIn.refuse(route, 429, "too-many", "It was collected a moment ago."),
    });
    await page.goto(`${machine.url}/topics/Ports?view=feeds`);
    await page.getByLabel("Address of a feed").fill("news.example.com");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("button", { name: /^Follow https/ })).toBeVisible();
    await page.getByRole("button", { name: "Collect now: Harbour Gazette" }).click();
    await expect(page.getByText("It was collected a moment ago.")).toBeVisible();
  },
  "stopping to follow a feed": async (page) => {
    await standIn.feeds(page, structuredClone(standIn.FEEDS));
    await page.goto(`${machine.url}/topics/Ports?view=feeds`);
    await page.getByRole("button", { name: "Stop following: Harbour Gazette" }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
  },
  "deleting a topic, which was refused": async (page) => {
    await standIn.feeds(page, structuredClone(standIn.FEEDS));
    await page.route(/\/api\/topics\/Ports$/, (route) =>
      standIn.refuse(route, 409, "conflict", "It changes just now. Nothing was deleted; try again."),
    );
    await page.goto(`${machine.url}/topics/Ports`);
    await page.getByRole("button", { name: "Delete topic" }).click();
    await expect(page.getByRole("dialog")).toContainText("its 4 feeds");
    await page.getByRole("button", { name: "Delete it for everyone" }).click();
    await expect(page.getByRole("alert")).toBeVisible();
  },
  "deleting an article": async (page) => {
    await page.goto(`${machine.url}/topics/Ports`);
    await page.getByRole("button", { name: "Delete: A port turns its cranes over to software" }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
  },
  "the dashboard": async (page) => {
    await page.goto(`${machine.url}/dashboard`);
    await heading(page, "Dashboard");
    await page.waitForLoadState("networkidle");
  },
  "models and settings": async (page) => {
    await page.goto(`${machine.url}/settings`);
    await heading(page, "Models and settings");
    await page.waitForLoadState("networkidle");
  },
  "an address with nothing at it": async (page) => {
    await page.goto(`${machine.url}/nowhere/at/all`);
    await heading(page, "Nothing is here");
  },
};

async function check(page: Page, view: (page: Page) => Promise<void>): Promise<void> {
  await page.setViewportSize(WIDE);
  await view(page);
  for (const size of [WIDE, NARROW]) {
    await page.setViewportSize(size);
    const isNarrow = size === NARROW;
    // Where one side at a time fits, each is looked at.
    const sides = isNarrow && (await page.locator(".sides").isVisible()) ? ["Conversation", "Prompt"] : [""];
    for (const side of sides) {
      await page.setViewportSize(size);
      // A dialog keeps the buttons behind it out of reach.
      if (side !== "")
        await page
          .locator(".sides button", { hasText: side })
          .evaluate((button: HTMLElement) => button.click());
      if (isNarrow) expect.soft(await sticksOut(page), `${size.width} px ${side}`).toEqual([]);
      await page.setViewportSize({ width: size.width, height: WHOLE });
      // The themes differ in nothing but colours, and sizes hardly in those.
      if (!isNarrow || EVERY_LOOK) {
        await page.emulateMedia({ colorScheme: "dark" });
        expect.soft(await problems(page, "contrast"), `${size.width} px, dark ${side}`).toEqual([]);
      }
      await page.emulateMedia({ colorScheme: "light" });
      expect.soft(await problems(page, "all"), `${size.width} px, light ${side}`).toEqual([]);
    }
  }
}

/** Presses Tab (or another key) until it is there, and the focus is never nowhere on the way. */
async function tabTo(page: Page, wanted: Locator, key = "Tab"): Promise<void> {
  for (let pressed = 0; pressed < 60; pressed += 1) {
    if (
      await wanted.evaluate(
        (element) => element === (element.getRootNode() as Document | ShadowRoot).activeElement,
      )
    )
      return;
    await page.keyboard.press(key);
    await expectFocus(page);
  }
  throw new Error(`${wanted} can't be reached with ${key}`);
}

/** Something has the focus: from the body, the next Tab would begin at the top again. */
async function expectFocus(page: Page): Promise<void> {
  await expect
    .poll(() => page.evaluate(() => document.activeElement?.tagName ?? "NOTHING"), {
      message: "what has the focus",
    })
    .not.toMatch(/^(?:BODY|NOTHING)$/);
}

test("nothing hinders anyone on the first visit", async ({ page }) => {
  await check(page, async () => {
    await page.goto(machine.url);
    await heading(page, "Start a prompt");
    await expect(page.locator("#from option")).not.toHaveCount(1);
  });
});

test.describe("with drafts, runs and prompts", () => {
  test.beforeEach(({ model }) => prepare(model));

  for (const [name, view] of Object.entries(VIEWS)) {
    test(`nothing hinders anyone at ${name}`, async ({ page, quiet }) => {
      quiet.allow(/Failed to load resource/);
      await check(page, view);
    });
  }

  test("while an answer is written and a test runs, nothing hinders anyone", async ({ page, model }) => {
    model.answer = `${ANSWER}\n\n${"and more words ".repeat(500)}`;
    model.pace = 150;
    const running = await machine.draft(TEXT, "Under way");
    try {
      await open(page, machine, running);
      await page.getByLabel("Message to the assistant").fill("Make it better.");
      await page.keyboard.press("Control+Enter");
      await expect(page.locator(".message[aria-busy] .prose")).not.toBeEmpty();
      await page.getByRole("tab", { name: "Test" }).click();
      await page.getByLabel("Question").fill("What do surveys say about AI adoption?");
      await page.keyboard.press("Control+Enter");
      await expect(page.getByRole("tab", { name: /1 running/ })).toBeVisible();
      await check(page, async () => {});
      await promptSide(page);
      await page.getByRole("button", { name: "Cancel" }).click();
      await expect(page.getByRole("article", { name: "Test run" })).toContainText("Cancelled");
    } finally {
      model.pace = 0;
      model.answer = ANSWER;
      await machine.ask("DELETE", `/auspex/prompts/workshop/drafts/${running}`);
    }
  });

  test("the keyboard alone goes from the start to a rated test, and always stands somewhere", async ({
    page,
    model,
  }) => {
    model.answer = "Surveys say **two in five** firms tried it.";
    await page.goto(`${machine.url}/prompt-workshop`);
    await expect(page.getByLabel("What should the prompt do?")).toBeVisible();
    await page.keyboard.press("Tab");
    await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
    await page.keyboard.press("Enter");
    await tabTo(page, page.getByLabel("What should the prompt do?"));
    await page.keyboard.type("Briefs for executives");
    await page.keyboard.press("Control+Enter");
    await expect(editor(page)).toBeVisible();
    await expectFocus(page);

    // From the conversation to the editor, and out of it again.
    await expect(page.getByRole("log").locator("article.assistant").last()).toContainText("two in five");
    await page.keyboard.press("F6");
    await expect(editor(page)).toBeFocused();
    await page.keyboard.type(
      "You write briefs for executives who have one minute, from the articles given and from nothing else. Cite.",
    );
    await page.keyboard.press("Control+s");
    await expect(saveState(page)).toHaveText(/Saved at/);
    expect(await text(page)).toContain("Cite.");
    await expect(editor(page)).toBeFocused();

    // Arrows move between tabs, one stop for all of them.
    await tabTo(page, page.getByRole("tab", { name: "Draft" }), "Shift+Tab");
    await page.keyboard.press("ArrowRight");
    await expect(page.getByRole("tab", { name: "Test" })).toBeFocused();
    await tabTo(page, page.getByLabel("Question"));
    await page.keyboard.type("What do surveys say about AI adoption?");
    await tabTo(page, page.getByRole("button", { name: "Run the test" }));
    await page.keyboard.press("Enter");
    await expect(page.getByRole("article", { name: "Test run" })).toContainText("Done");
    await expectFocus(page);

    // A rating is one group: an arrow moves within it.
    await tabTo(page, page.getByRole("radio", { name: /^1 of 5/ }));
    for (const stars of [2, 3, 4]) {
      await page.keyboard.press(stars === 2 ? "Space" : "ArrowRight");
      await expectFocus(page);
    }
    await expect(page.getByRole("radio", { name: /^3 of 5/ })).toBeFocused();
    await expect(page.getByRole("radio", { name: /^3 of 5/ })).toBeChecked();
    await tabTo(page, page.getByLabel("Notes"));
    await page.keyboard.type("Short enough.");
    await page.keyboard.press("Tab");
    await expect(page.getByText("Saved.", { exact: true })).toBeVisible();
    await tabTo(page, page.getByRole("tab", { name: "Test" }), "Shift+Tab");
    await page.keyboard.press("ArrowRight");
    await expect(page.getByRole("tab", { name: "History" })).toBeFocused();
    await expect(page.getByRole("img", { name: "rated 3 of 5" })).toBeVisible();
    await tabTo(page, page.getByRole("button", { name: "What do surveys say about AI adoption?" }));
    await page.keyboard.press("Enter");
    await expect(page.getByRole("button", { name: "All runs" })).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(page.locator(".history-row")).toHaveCount(1);
    await expectFocus(page);
  });

  test("a dialog keeps the focus inside and gives it back", async ({ page, quiet }) => {
    // A free name is one that the library doesn't know.
    quiet.allow(/404/);
    const id = await machine.draft(TEXT, "To be committed");
    await open(page, machine, id);
    const commits = page.getByRole("button", { name: "Commit to the library" });
    await commits.focus();
    await page.keyboard.press("Enter");
    await expect(page.getByRole("dialog")).toBeVisible();
    for (let pressed = 0; pressed < 12; pressed += 1) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate(() =>
        document.activeElement?.closest("dialog") ? "inside" : document.activeElement?.tagName,
      );
      // Between the last and the first stop is the browser's own frame, which leaves the body.
      expect(["inside", "BODY"]).toContain(at);
    }
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await expect(commits).toBeFocused();
  });

  test("a view that is arrived at has the focus", async ({ page }) => {
    await page.goto(machine.url);
    await heading(page, "Drafts");
    for (const place of ["Library", "Topics", "Dashboard", "Settings", "Drafts"]) {
      await page.getByRole("navigation").getByRole("link", { name: place }).press("Enter");
      await expect(page.getByRole("link", { name: place, exact: true })).toHaveAttribute(
        "aria-current",
        "page",
      );
      await expectFocus(page);
    }
    // A link that goes away with its view leaves the focus with the next one.
    await page.getByRole("link", { name: "Weekly brief" }).press("Enter");
    await expect(editor(page)).toBeVisible();
    await expectFocus(page);
    await page.goto(`${machine.url}/library`);
    await page.locator(".prompts a").first().press("Enter");
    await expect(page.locator(".prompt-text")).toBeVisible();
    await expectFocus(page);
  });

  test("the divider between the panels moves with the arrow keys", async ({ page }) => {
    await open(page, machine, draft ?? "");
    const divider = page.getByRole("separator", { name: "Width of the conversation" });
    await divider.focus();
    const before = Number(await divider.getAttribute("aria-valuenow"));
    await page.keyboard.press("ArrowRight");
    await expect(divider).toHaveAttribute("aria-valuenow", String(before + 2));
    const wide = (await page.locator(".bench > .chat").boundingBox())?.width ?? 0;
    await page.keyboard.press("Home");
    await expect
      .poll(async () => (await page.locator(".bench > .chat").boundingBox())?.width)
      .toBeLessThan(wide);
  });

  test("who asked for less motion gets none", async ({ page }) => {
    await page.emulateMedia({ reducedMotion: "reduce" });
    for (const path of [
      "/",
      `/prompt-workshop?draft_id=${draft}`,
      "/library",
      "/topics",
      "/dashboard",
      "/settings",
    ]) {
      await page.goto(machine.url + path);
      await expect(page.getByRole("main")).toBeVisible();
      // What appears while one waits and what turns are made for this only: nothing of them may last.
      const moving = await page.evaluate(async () => {
        const waiting = document.createElement("span");
        waiting.className = "working";
        document.getElementById("main")?.append(waiting);
        await new Promise((resolve) => requestAnimationFrame(resolve));
        const found = [...document.querySelectorAll("*")].flatMap((element) =>
          [undefined, "::before", "::after"].map((part) => {
            const style = getComputedStyle(element, part);
            const times = `${style.animationDuration}, ${style.transitionDuration}`.split(", ");
            const longest = Math.max(
              ...times.map((time) => (time.endsWith("ms") ? 1 : 1_000) * (Number.parseFloat(time) || 0)),
            );
            const moves = style.animationName !== "none" || style.transitionDuration !== "0s";
            return moves && longest > 1
              ? `${element.tagName}.${element.className}${part ?? ""}: ${longest} ms`
              : "";
          }),
        );
        const smooth = [...document.querySelectorAll("*")].filter(
          (element) => getComputedStyle(element).scrollBehavior === "smooth",
        );
        waiting.remove();
        return [
          ...found.filter((each) => each !== ""),
          ...smooth.map((element) => `${element.tagName} scrolls smoothly`),
        ];
      });
      expect(moving, path).toEqual([]);
    }
  });
});
