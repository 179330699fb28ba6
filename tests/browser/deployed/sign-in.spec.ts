/**
 * Signing in where the workshop is deployed, as people do it: through the
 * identity provider's own page. Nothing typed is lost when a sign-in is renewed,
 * when it ends, and when someone signs out.
 */
import { test as base, expect, type Page } from "@playwright/test";
import { axeFinds } from "../axe";
import { editor, OFFLINE, saveState, TEXT, text, watch, write } from "../workshop";

interface User {
  name: string;
  password: string;
}

const SITE = new URL(process.env.DEPLOYED_URL ?? "http://DEPLOYED_URL.invalid").origin;
const [ada, bob] = JSON.parse(process.env.DEPLOYED_USERS ?? "[]") as User[];
const DRAFTS = "/api/auspex/prompts/workshop/drafts";

/** An expired token and a cut connection are brought about on purpose; the browser's console tells of both. */
const REFUSED = /status of 401/;

const test = base.extend<{ quiet: { allow: (words: RegExp) => void } }>({
  quiet: [
    async ({ context }, use) => {
      const complaints: string[] = [];
      const allowed: RegExp[] = [];
      // The provider's own page is not ours to judge.
      watch(context, complaints, SITE);
      await use({ allow: (words) => allowed.push(words) });
      expect(complaints.filter((said) => !allowed.some((words) => words.test(said)))).toEqual([]);
    },
    { auto: true },
  ],
});

test.beforeAll(() => {
  if (!process.env.DEPLOYED_URL || !ada || !bob) {
    throw new Error("DEPLOYED_URL is needed, and two users in DEPLOYED_USERS.");
  }
});

const door = (page: Page) => page.getByRole("heading", { name: "Sign in to the workshop" });
const account = (page: Page) => page.locator(".account");
const ended = (page: Page) => page.getByText("Your sign-in has ended. Everything you typed is kept");

/** What the provider asks for; it may know already who is there, and ask nothing. */
async function passProvider(page: Page, user: User | undefined): Promise<void> {
  const name = page.locator("input[name=username]:visible");
  await expect(name.or(account(page))).toBeVisible();
  if (!(await name.isVisible())) return;
  await name.fill(user?.name ?? "");
  await page.locator("input[name=password]:visible").fill(user?.password ?? "");
  await page.keyboard.press("Enter");
}

/** Opens an address as someone who isn't signed in yet, and signs in. */
async function signIn(page: Page, user: User | undefined, path = "/"): Promise<void> {
  await page.goto(SITE + path);
  await expect(door(page)).toBeVisible();
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await passProvider(page, user);
  await expect(account(page)).toBeVisible();
}

/** A new draft with the text that the tests begin with, saved; its id. */
async function draft(page: Page): Promise<string> {
  await page.goto(`${SITE}/prompt-workshop`);
  await page.getByRole("button", { name: "Start with a blank draft" }).click();
  await write(page, TEXT);
  await saved(page);
  return new URL(page.url()).searchParams.get("draft_id") ?? "";
}

const saved = (page: Page): Promise<void> => expect(saveState(page)).toHaveText(/^Saved at/);

/** The draft's text as the server has it, asked for by this page's own token. */
function onServer(page: Page, id: string): Promise<string> {
  return page.evaluate(async (path) => {
    const { token } = JSON.parse(sessionStorage.getItem("sign-in") ?? "{}") as { token?: string };
    const answer = await fetch(path, { headers: { authorization: `Bearer ${token}` }, cache: "no-store" });
    const { draft_content } = (await answer.json()) as { draft_content?: string };
    return draft_content ?? `${answer.status}`;
  }, `${DRAFTS}/${id}`);
}

/** Makes tokens worthless that this tab keeps; the page reads them when it is loaded. */
async function spoil(page: Page, ...which: ("token" | "refresh")[]): Promise<void> {
  await page.evaluate((names) => {
    const kept = JSON.parse(sessionStorage.getItem("sign-in") ?? "{}") as Record<string, string>;
    for (const name of names) kept[name] = "no-token-any-more";
    sessionStorage.setItem("sign-in", JSON.stringify(kept));
  }, which);
  await page.reload();
}

/** Axe finds nothing in what signing in adds, and nothing has to be scrolled sideways at 360 pixels. */
async function usable(page: Page, ...parts: string[]): Promise<void> {
  for (const width of [360, 1360]) {
    await page.setViewportSize({ width, height: 860 });
    const { violations } = await axeFinds(page, {}, parts);
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual(
      [],
    );
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
  }
}

test("a link that is opened before signing in is shown after it", async ({ page }) => {
  await signIn(page, ada, "/library/default_research?version=1");
  await expect(page).toHaveURL(`${SITE}/library/default_research?version=1`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("research");
  await expect(account(page)).toContainText(ada?.name ?? "");

  await page.reload();
  await expect(page).toHaveURL(`${SITE}/library/default_research?version=1`);
  await expect(account(page)).toBeVisible();
});

test("a link that makes a draft makes one, after signing in", async ({ page }) => {
  await signIn(page, ada, "/prompt-workshop?clone=default_research");
  await expect(editor(page)).toContainText("Role");
  await expect(page).toHaveURL(/\?draft_id=[^&]+$/);
});

test("a new tab asks nobody twice", async ({ page, context }) => {
  await signIn(page, ada);
  const next = await context.newPage();
  await next.goto(`${SITE}/topics`);
  await passProvider(next, ada);
  await expect(account(next)).toBeVisible();
  await expect(next).toHaveURL(`${SITE}/topics`);
});

test("an expired token is renewed, and nothing typed is lost", async ({ page, quiet }) => {
  quiet.allow(REFUSED);
  await signIn(page, ada);
  const id = await draft(page);
  await spoil(page, "token");
  await write(page, "\nTyped after the renewal.");
  await saved(page);
  expect(await onServer(page, id)).toBe(`${TEXT}\nTyped after the renewal.`);

  // And one that expires while there is something to be saved.
  await page.route(`**${DRAFTS}/*`, (route) =>
    route.continue({ headers: { ...route.request().headers(), authorization: "Bearer expired" } }),
  );
  await page.route("**/oauth2/token", async (route) => {
    await page.unroute(`**${DRAFTS}/*`);
    await route.continue();
  });
  await write(page, "\nAnd with an expired one.");
  await saved(page);
  expect(await onServer(page, id)).toBe(`${TEXT}\nTyped after the renewal.\nAnd with an expired one.`);
});

test("a provider that can't be reached signs nobody out", async ({ page, quiet }) => {
  quiet.allow(REFUSED);
  quiet.allow(OFFLINE);
  await signIn(page, ada);
  const id = await draft(page);
  await page.route("**/oauth2/token", (route) => route.abort());
  await page.route(`**${DRAFTS}/*`, (route) =>
    route.continue({ headers: { ...route.request().headers(), authorization: "Bearer expired" } }),
  );
  await write(page, "\nTyped meanwhile.");
  await expect(saveState(page)).toHaveText(/No connection; your text is kept in this browser/);
  await expect(ended(page)).toBeHidden();
  await page.unroute(`**${DRAFTS}/*`);
  await page.unroute("**/oauth2/token");
  await expect(saveState(page)).toHaveText(/^Saved at/, { timeout: 30_000 });
  expect(await onServer(page, id)).toBe(`${TEXT}\nTyped meanwhile.`);
});

test("a sign-in that has ended keeps what is typed, and saves it after signing in again", async ({
  page,
  quiet,
}) => {
  quiet.allow(REFUSED);
  await signIn(page, ada);
  const id = await draft(page);
  await spoil(page, "token", "refresh");
  await expect(ended(page)).toBeVisible();
  await expect(editor(page)).toContainText("At most one page");
  expect(await text(page)).toBe(TEXT);
  await write(page, "\nTyped after the end.");
  await expect(saveState(page)).toHaveText(/your sign-in has ended. Your text is kept in this browser/);
  await usable(page, ".bar", ".standing");

  // The account stands in the page until the provider's is there: seen too early, it would pass for signed in.
  const left = page.waitForEvent("domcontentloaded");
  await page.getByRole("button", { name: "Sign in again" }).click();
  await left;
  await passProvider(page, ada);
  await expect(page).toHaveURL(`${SITE}/prompt-workshop?draft_id=${id}`);
  await expect(editor(page)).toContainText("Typed after the end.");
  await saved(page);
  await expect(ended(page)).toBeHidden();
  expect(await onServer(page, id)).toBe(`${TEXT}\nTyped after the end.`);
});

test("signing out saves first, and the next person sees nothing of it", async ({ page, quiet }) => {
  quiet.allow(/status of 404/);
  await signIn(page, ada);
  const id = await draft(page);
  const name = `Ada's own ${Date.now()}`;
  await page.getByRole("textbox", { name: "Name" }).fill(name);
  await page.goto(`${SITE}/prompt-workshop`);
  await page.getByRole("textbox", { name: "What should the prompt do?" }).fill("A need of Ada's.");
  await page.goto(`${SITE}/prompt-workshop?draft_id=${id}`);
  await write(page, "\nTyped a moment ago.");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(door(page)).toBeVisible();
  await expect(page).toHaveURL(`${SITE}/`);
  expect(await page.evaluate(() => sessionStorage.getItem("sign-in"))).toBeNull();

  await signIn(page, bob, `/prompt-workshop?draft_id=${id}`);
  await expect(page.getByRole("heading", { name: "This draft is not there" })).toBeVisible();
  await page.goto(`${SITE}/prompt-workshop`);
  await expect(page.getByRole("textbox", { name: "What should the prompt do?" })).toHaveValue("");
  await page.goto(`${SITE}/`);
  await expect(page.getByRole("main")).toBeVisible();
  await page.waitForLoadState("networkidle");
  await expect(page.getByText(name)).toBeHidden();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(door(page)).toBeVisible();

  await signIn(page, ada, `/prompt-workshop?draft_id=${id}`);
  await expect(editor(page)).toContainText("Typed a moment ago.");
  expect(await onServer(page, id)).toBe(`${TEXT}\nTyped a moment ago.`);
  await page.goto(`${SITE}/prompt-workshop`);
  await expect(page.getByRole("textbox", { name: "What should the prompt do?" })).toHaveValue(
    "A need of Ada's.",
  );
});

test("signing out says what couldn't be saved; it is there after signing in again", async ({
  page,
  quiet,
}) => {
  quiet.allow(OFFLINE);
  await signIn(page, ada);
  const id = await draft(page);
  await page.getByRole("textbox", { name: "Name" }).fill("Unsaved brief");
  await saved(page);
  await page.route(`**${DRAFTS}/*`, (route) => route.abort());
  await write(page, "\nNever sent.");
  await page.getByRole("button", { name: "Sign out" }).click();
  const dialog = page.getByRole("dialog", { name: "Not everything is saved" });
  await expect(dialog).toContainText("Unsaved brief");
  await dialog.getByRole("button", { name: "Stay signed in" }).click();
  await expect(editor(page)).toContainText("Never sent.");
  await page.getByRole("button", { name: "Sign out" }).click();
  await dialog.getByRole("button", { name: "Sign out all the same" }).click();
  await expect(door(page)).toBeVisible();

  await page.unroute(`**${DRAFTS}/*`);
  await signIn(page, ada, `/prompt-workshop?draft_id=${id}`);
  await expect(editor(page)).toContainText("Never sent.");
  await saved(page);
  expect(await onServer(page, id)).toBe(`${TEXT}\nNever sent.`);
});

test("signing out holds for every tab, which saves first what it has", async ({ page, context }) => {
  await signIn(page, ada);
  const id = await draft(page);
  const next = await context.newPage();
  await next.goto(`${SITE}/topics`);
  await passProvider(next, ada);
  await expect(account(next)).toBeVisible();
  await write(page, "\nTyped in the other tab.");
  await next.getByRole("button", { name: "Sign out" }).click();
  await expect(door(next)).toBeVisible();
  await expect(page.getByText("You signed out in another tab.")).toBeVisible();

  await page.goto("about:blank");
  await signIn(next, ada, `/prompt-workshop?draft_id=${id}`);
  expect(await onServer(next, id)).toBe(`${TEXT}\nTyped in the other tab.`);
});

test("a sign-in that was refused says so, and leads on", async ({ page }) => {
  await page.goto(`${SITE}/?error=access_denied&error_description=no&state=unknown`);
  await expect(page.getByText("The sign-in was cancelled")).toBeVisible();
  await usable(page);
  await expect(page).toHaveURL(`${SITE}/`);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await passProvider(page, ada);
  await expect(account(page)).toBeVisible();
});

test("the page starts without a network, with what this tab knows", async ({ page, context, quiet }) => {
  quiet.allow(OFFLINE);
  await signIn(page, ada);
  await draft(page);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await context.setOffline(true);
  await page.reload();
  await expect(account(page)).toBeVisible();
  await expect(editor(page)).toContainText("research analyst");
  await expect(saveState(page)).toHaveText(/No connection/);

  // A tab that nobody is signed in in stays the page's own, and says why.
  const next = await context.newPage();
  await next.goto(`${SITE}/topics`);
  await expect(next.getByText("There is no network.")).toBeVisible();
  await context.setOffline(false);
  await next.getByRole("button", { name: "Sign in", exact: true }).click();
  await passProvider(next, ada);
  await expect(next).toHaveURL(`${SITE}/topics`);
  await saved(page);
});
