/**
 * The pictures that README shows: each is there, and shows something. They are
 * taken here, too, for `make pictures`, at each run of the tests: of a whole
 * workshop, with answers written for them, since the small model's would be
 * others each time.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Machine } from "./machine";
import { detail, LEAST_DETAIL, take } from "./picture";
import { ROOT, TARGET } from "./places";
import { editor, expect, leave, saved, test } from "./workshop";

const FOLDER = "static-site/pictures";
const PICTURES = readdirSync(join(ROOT, FOLDER)).map((name) => `${FOLDER}/${name}`);
/** `make pictures` puts them where README shows them. */
const TAKEN = process.env.WORKSHOP_PICTURES ?? join(TARGET, "browser/pictures");

const NEED = "Weekly briefs on AI adoption for executives, with sources";
const QUESTION = "What do surveys say about AI adoption in the last 60 days?";

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

const PROPOSAL = [
  "I understood: a brief a week, for executives who have a minute, and every claim in it can be followed to its " +
    "source. I assumed that official figures count for more than what a vendor says, and that one screen is enough.",
  "",
  "Two things would make it sharper:",
  "",
  "1. Do they act on it, or do they only want to know? Advice needs a section of its own.",
  "2. What should the brief do in a week without news?",
  "",
  "A first prompt to try:",
  "",
  "```markdown",
  PROMPT,
  "```",
].join("\n");

test("README shows every picture, and no other", () => {
  const shown = [...readFileSync(join(ROOT, "README.md"), "utf8").matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)];
  expect(shown.map(([, path]) => path).toSorted()).toEqual(PICTURES.toSorted());
});

for (const picture of PICTURES) {
  test(`${picture} shows something`, async ({ context }) => {
    expect(await detail(context, join(ROOT, picture))).toBeGreaterThan(LEAST_DETAIL);
  });
}

test("a page whose content isn't there yet shows too little to be a picture", async ({
  page,
  context,
  machine,
}, testInfo) => {
  await page.setViewportSize({ width: 1440, height: 960 });
  // Nobody answers.
  await page.route("**/api/auspex/prompts/**", () => {});
  await page.goto(`${machine.url}/library/default_research`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  const path = testInfo.outputPath("empty.png");
  await page.screenshot({ path });
  expect(await detail(context, path)).toBeLessThan(LEAST_DETAIL / 5);
});

test("README's pictures are taken on the way from a need to a prompt in the library", async ({
  page,
  model,
  quiet,
}) => {
  // A free name is one that nothing is found under.
  quiet.allow(/404/);
  const yours = {
    id: "your-model",
    label: "Your model",
    base_url: model.url,
    context_window: 65_536,
    max_output_tokens: 4_096,
    price_in: 0,
    price_out: 0,
  };
  const machine = await Machine.withTools(model.url, { WORKSHOP_MODELS: JSON.stringify([yours]) });
  try {
    await page.setViewportSize({ width: 1440, height: 1020 });
    model.answer = PROPOSAL;
    await page.goto(machine.url);
    await page.getByLabel("What should the prompt do?").fill(NEED);
    await page.getByRole("button", { name: "Start the conversation" }).click();
    await page.getByRole("button", { name: "Extract draft new proposal" }).click();
    await page.getByRole("button", { name: /^(?:Apply all|Use this text|Replace)/ }).click();
    await expect(editor(page)).toContainText("Cite every claim");
    await saved(page, async () => {
      await page.getByLabel("Name", { exact: true }).fill("Weekly brief on AI adoption");
      await page.getByLabel("Description").fill("One page for executives, every claim with its source");
      await page.getByLabel("Description").blur();
    });
    await take(
      page,
      join(TAKEN, "draft.png"),
      page.getByRole("log").getByText("A first prompt to try:"),
      editor(page).getByText("Cite every claim"),
    );

    const asked = new URLSearchParams({ query: QUESTION, limit: "5", days: "60" });
    const { articles } = await machine.ask<{ articles: { title: string; url: string }[] }>(
      "GET",
      `/topics/AI%20Adoption/articles?${asked}`,
    );
    const source = (title: string): string =>
      `[${title}](${articles.find((article) => article.title.startsWith(title))?.url})`;
    model.answer = [
      "**More firms use AI; whether it saves time is disputed**",
      "",
      `- A quarter of firms use it in a regular task, and use grows: ${source("Statistics Board")}.`,
      `- Two teachers in three say that marking takes longer: ${source("Marked twice, paid once")}.`,
      `- A vendor finds its customers faster, by data they chose to give: ${source("Everyone reads that coding study wrongly")}.`,
      "",
      "The articles do not tell how the firms and teachers who were asked had been chosen.",
    ].join("\n");
    await page.getByRole("tab", { name: "Test" }).click();
    await page.getByLabel("Question").fill(QUESTION);
    await page.getByLabel("Topic").selectOption("AI Adoption");
    await page.getByLabel("Articles at most").fill("5");
    await page.getByRole("button", { name: "Run the test" }).click();
    const run = page.getByRole("article", { name: "Test run" });
    await expect(run.getByText("Done", { exact: true })).toBeVisible();
    await run.getByRole("radio", { name: /^4 of 5/ }).check();
    await run.getByLabel("Notes").fill("Good. Say in each bullet how many were asked, and by whom.");
    await run.getByLabel("Notes").blur();
    await expect(run.getByText("Saved.", { exact: true })).toBeVisible();
    await run.evaluate((shown) => shown.scrollIntoView());
    await take(
      page,
      join(TAKEN, "test.png"),
      run.getByRole("region", { name: "Answer", exact: true }).getByText("The articles do not tell"),
      run.getByText("You are a research analyst"),
      run.getByLabel("Notes"),
      run.locator(".articles li").first(),
    );

    const id = new URL(page.url()).searchParams.get("draft_id") ?? "";
    for (const text of [PROMPT, `${PROMPT}\nSay of each survey how many were asked, and by whom.`]) {
      await machine.save(id, text);
      const { revision } = await machine.saved(id);
      const prompt = { name: "weekly_brief_on_ai_adoption", title: "Weekly brief on AI adoption" };
      await machine.ask("POST", `/auspex/prompts/workshop/drafts/${id}/commit`, prompt, {
        "if-match": `"${revision}"`,
      });
    }
    // As high as what it shows.
    await page.setViewportSize({ width: 1440, height: 740 });
    await page.goto(`${machine.url}/library/weekly_brief_on_ai_adoption`);
    await take(
      page,
      join(TAKEN, "library.png"),
      page.getByRole("heading", { name: "Weekly brief on AI adoption", level: 1 }),
      page.locator(".prompt-text").getByText("Say of each survey"),
      page.getByRole("link", { name: "Version 1", exact: true }),
    );
    await leave(page);
  } finally {
    await machine.stop();
  }
});
