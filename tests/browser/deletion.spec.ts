/** Taking back what was imported: one question that says how much goes, and a page that keeps its place. */
import type { Page } from "@playwright/test";
import type { Machine } from "./machine";
import { articles } from "./prepare";
import * as standIn from "./stand-in";
import { expect, OFFLINE, test } from "./workshop";

const article = (number: number): Record<string, unknown> => ({
  title: `Tides of ${number}`,
  url: `https://tides.example/${number}`,
  summary: `The tide of place ${number} was ${number * 7_919} centimetres high.`,
  published_at: `2026-11-${10 + number}`,
});

const shownAt = async (page: Page, machine: Machine, topic: string): Promise<void> => {
  await page.goto(`${machine.url}/topics/${topic}`);
  await expect(page.getByRole("link", { name: "Tides of 1", exact: true })).toBeVisible();
};

const names = async (machine: Machine): Promise<string[]> =>
  (await machine.ask<{ name: string }[]>("GET", "/topics")).map(({ name }) => name);

test("a topic is deleted after one question, which says how much goes", async ({ page, machine }) => {
  await articles(machine, "Tides", [article(1), article(2), article(3)]);
  await standIn.feeds(page, structuredClone(standIn.FEEDS));
  await shownAt(page, machine, "Tides");
  const asks = page.getByRole("button", { name: "Delete topic" });
  await asks.focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Delete the topic “Tides”" });
  await expect(dialog).toContainText("The topic, its 3 articles and its 4 feeds go, for everyone");
  // What the keyboard stands on first deletes nothing.
  await expect(dialog.getByRole("button", { name: "Keep it" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await expect(asks).toBeFocused();
  expect(await names(machine)).toContain("Tides");

  await page.keyboard.press("Enter");
  await dialog.getByRole("button", { name: "Delete it for everyone" }).press("Enter");
  await expect(page).toHaveURL(`${machine.url}/topics`);
  await expect(page.getByText("“Tides” was deleted, with 3 articles.")).toBeVisible();
  await expect(page.getByRole("main")).toBeFocused();
  await expect(page.getByRole("link", { name: "AI Adoption" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Tides", exact: true })).toHaveCount(0);
  expect(await names(machine)).not.toContain("Tides");
});

test("an article is deleted where it was found, and the focus stays among the others", async ({
  page,
  machine,
}) => {
  await articles(machine, "Ebbs", [article(1), article(2), article(3)]);
  await shownAt(page, machine, "Ebbs");
  const remove = async (number: number): Promise<void> => {
    await page.getByRole("button", { name: `Delete: Tides of ${number}` }).press("Enter");
    const dialog = page.getByRole("dialog", { name: `Delete “Tides of ${number}”` });
    await expect(dialog).toContainText("No feed brings it back; importing it again does.");
    await dialog.getByRole("button", { name: "Delete it for everyone" }).press("Enter");
    await expect(dialog).toHaveCount(0);
  };
  // The newest stands first: the next one takes its place.
  await remove(3);
  await expect(page.getByRole("button", { name: "Delete: Tides of 2" })).toBeFocused();
  await expect(page.getByText("2 articles, published")).toBeVisible();
  await expect(page.getByText("2 articles shown of 2 in the topic.")).toBeVisible();
  await remove(1);
  await expect(page.getByRole("heading", { name: "The newest articles" })).toBeFocused();
  await page.reload();
  await expect(page.locator(".results h3")).toHaveText(["Tides of 2"]);

  // With the last one the search is gone, too.
  await remove(2);
  await expect(page.getByRole("heading", { name: "No articles yet" })).toBeVisible();
  await expect(page.getByRole("main")).toBeFocused();
  await page.getByRole("button", { name: "Delete topic" }).click();
  await expect(page.getByRole("dialog")).toContainText("The topic goes, for everyone");
});

test("a deletion that is refused is told where it was asked for, and nothing is lost", async ({
  page,
  machine,
  quiet,
}) => {
  quiet.allow(OFFLINE);
  await articles(machine, "Floods", [article(1), article(2)]);
  await shownAt(page, machine, "Floods");
  const ways: [string, (route: import("@playwright/test").Route) => Promise<void>][] = [
    ["You may not delete it.", (route) => standIn.refuse(route, 403, "forbidden", "You may not delete it.")],
    ["It changes just now.", (route) => standIn.refuse(route, 409, "conflict", "It changes just now.")],
    ["The workshop's server doesn't answer. It may be gone", (route) => route.abort()],
  ];
  for (const asks of ["Delete topic", "Delete: Tides of 1"]) {
    await page.getByRole("button", { name: asks }).click();
    for (const [said, answer] of ways) {
      const path = /\/api\/topics\/Floods(?:\/articles\/[^/]+)?$/;
      await page.route(path, (route) =>
        route.request().method() === "DELETE" ? answer(route) : route.fallback(),
      );
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("button", { name: "Delete it for everyone" }).click();
      await expect(dialog.getByRole("alert")).toContainText(said);
      await page.unroute(path);
    }
    await page.getByRole("button", { name: "Keep it" }).click();
    await expect(page.getByRole("button", { name: asks })).toBeFocused();
    await expect(page.locator(".results h3")).toHaveText(["Tides of 2", "Tides of 1"]);
  }
  expect(await names(machine)).toContain("Floods");
});

test("a topic that somebody else has deleted meanwhile is gone here, too", async ({
  page,
  machine,
  quiet,
}) => {
  quiet.allow(/404/);
  await articles(machine, "Springs", [article(1), article(2)]);
  await shownAt(page, machine, "Springs");
  const { articles: found } = await machine.ask<{ articles: { id: string }[] }>(
    "GET",
    "/topics/Springs/articles",
  );
  await machine.ask("DELETE", `/topics/Springs/articles/${found[0]?.id}`);
  await page.getByRole("button", { name: "Delete: Tides of 2" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete it for everyone" }).click();
  await expect(page.locator(".results h3")).toHaveText(["Tides of 1"]);
  // Asked again after each deletion, the page would see the next one by itself.
  await expect(page.getByText(/^1 article, published/)).toBeVisible();

  await machine.ask("DELETE", "/topics/Springs");
  await page.getByRole("button", { name: "Delete topic" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete it for everyone" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "No such topic" })).toBeVisible();
  await expect(page.getByRole("main")).toBeFocused();
});

test("who may not delete a topic is not asked to", async ({ page, machine }) => {
  await articles(machine, "Currents", [article(1)]);
  await page.route(/\/api\/topics\?/, async (route) => {
    const answer = await route.fetch();
    const topics = (await answer.json()) as Record<string, unknown>[];
    await route.fulfill({ response: answer, json: topics.map((topic) => ({ ...topic, may_delete: false })) });
  });
  await shownAt(page, machine, "Currents");
  await expect(page.getByRole("link", { name: "Test a prompt on this topic" })).toBeVisible();
  await expect(page.getByRole("button", { name: /^Delete/ })).toHaveCount(0);
});
