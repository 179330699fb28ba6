/**
 * What models, articles and other people's prompts say is untrusted: it is
 * shown, and does nothing. It never gets so far that the Content-Security-Policy
 * has to stop it, and the policy would stop it all the same.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Locator, Page } from "@playwright/test";
import type { Machine } from "./machine";
import { articles, commit, converse, tested } from "./prepare";
import * as standIn from "./stand-in";
import { expect, open, TEXT, test } from "./workshop";

/** Another origin that tells who asked it for something. */
class Beacon {
  asked: string[] = [];
  page = "";
  #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  static async start(): Promise<Beacon> {
    const server = createServer();
    const beacon = new Beacon(server);
    server.on("request", (request, response) => {
      beacon.asked.push(request.url ?? "");
      response.writeHead(200, { "content-type": "text/html", "access-control-allow-origin": "*" });
      response.end(beacon.page);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return beacon;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Every trick on its own, each in Markdown. `at` is where a request would show that it worked. */
function tricks(at: string): string[] {
  return [
    `Text before <script>window.pwned = 1; fetch("${at}/script")</script> and after`,
    `<script src="${at}/script.js"></script>`,
    `<img src=x onerror="window.pwned = 1"> <img src="${at}/img.gif" alt="a picture">`,
    `![a picture](${at}/markdown.gif "title") ![](${at}/nameless.gif) ![x][ref]\n\n[ref]: ${at}/reference.gif`,
    `![a" onerror="window.pwned=1](${at}/quote.gif '" onload="window.pwned=1')`,
    `<svg onload="window.pwned = 1"><image href="${at}/svg.gif"/><a xlink:href="javascript:window.pwned=1"><text>svg</text></a></svg>`,
    `<svg><style><img src=x onerror="window.pwned=1"></style></svg>`,
    `<svg></p><style><a title="</style><img src=x onerror=window.pwned=1>">`,
    `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=window.pwned=1&gt;">`,
    `<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=window.pwned=1>`,
    `<math><annotation-xml encoding="text/html"><img src="${at}/math.gif" onerror="window.pwned=1"></annotation-xml></math>`,
    `<noscript><p title="</noscript><img src=x onerror=window.pwned=1>"></noscript>`,
    `<style>body { background: url(${at}/style.gif) rgb(1, 2, 3) !important; color: rgb(4, 5, 6) !important }</style>`,
    `<p style="position: fixed; inset: 0; background: url(${at}/attribute.gif)">over everything</p>`,
    `<link rel="stylesheet" href="${at}/link.css"> <link rel="preload" as="image" href="${at}/preload.gif">`,
    `<iframe src="${at}/frame" srcdoc="<script>parent.pwned=1</script>"></iframe>`,
    `<object data="${at}/object"></object> <embed src="${at}/embed">`,
    `<video src="${at}/video" poster="${at}/poster.gif" autoplay onloadstart="window.pwned=1"></video> <audio src="${at}/audio" autoplay></audio>`,
    `<form action="${at}/form"><input name="token" autofocus onfocus="window.pwned=1"><button formaction="javascript:window.pwned=1">Send</button></form>`,
    `<meta http-equiv="refresh" content="0; url=${at}/refresh">`,
    `<base href="${at}/base/"> [relative](relative-after-base)`,
    `<details open ontoggle="window.pwned=1"><summary>more</summary></details> <marquee onstart="window.pwned=1">m</marquee>`,
    `<body onload="window.pwned=1" background="${at}/body.gif"> <table background="${at}/table.gif"><tr><td>cell</td></tr></table>`,
    `[javascript](javascript:window.pwned=1) [obscured](JaVaScRiPt&colon;window.pwned=1) [tab](java&#9;script:window.pwned=1)`,
    `[data](data:text/html,<script>window.pwned=1</script>) [vbscript](vbscript:msgbox(1)) [blob](blob:${at}/x) [file](file:///etc/passwd)`,
    `<a href="javascript:window.pwned=1" onclick="window.pwned=1" ping="${at}/ping">raw</a> <a href="  javascript:window.pwned=1">spaces</a>`,
    `[titled](https://example.com "x\\" onmouseover=\\"window.pwned=1") <https://example.com/auto> <someone@example.com>`,
    `[a link of the web](https://example.com/page) [mail](mailto:someone@example.com) [other host](//example.com/protocol-relative)`,
    `<div id="page" class="frame toasts" name="pwned" contenteditable>clobbered</div> <a id="trustedTypes" name="defaultView">named</a>`,
    `<textarea><img src=x onerror=window.pwned=1></textarea> <template><img src="${at}/template.gif"></template> <slot name="x"></slot>`,
    `<x-own onclick="window.pwned=1" is="x-own">own element</x-own> <dialog open>a dialog</dialog> <button onclick="window.pwned=1">press</button>`,
    "```html onerror=alert(1)\n<script>window.pwned = 1</script>\n```\n\n`<img src=x onerror=window.pwned=1>`",
    `| head <img src=x onerror=window.pwned=1> |\n| --- |\n| [cell](javascript:window.pwned=1) |`,
    `- [ ] <input type="image" src="${at}/input.gif"> [x]: javascript:window.pwned=1\n\n[x]`,
  ];
}

/** What Markdown may become, and nothing else; the two last are the page's own copy button. */
const ELEMENTS =
  "p br hr h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong del a table thead tbody tr th td div button".split(
    " ",
  );
const ATTRIBUTES: Record<string, string[]> = {
  a: ["href", "target", "rel"],
  ol: ["start"],
  th: ["align"],
  td: ["align"],
  // The page's own, around code.
  div: ["class"],
  button: ["type"],
  pre: ["tabindex", "role", "aria-label"],
};

/** Looks for everything that untrusted text could do to the page; `done` tells what it did. */
async function guard(
  page: Page,
  machine: Machine,
  beacon: Beacon,
): Promise<{ nothingHappened: () => Promise<void> }> {
  const elsewhere: string[] = [];
  const dialogs: string[] = [];
  beacon.asked = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== machine.url) elsewhere.push(request.url());
  });
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  await page.addInitScript(() => {
    const blocked: string[] = [];
    Object.assign(window, { blocked });
    addEventListener("securitypolicyviolation", (event) => {
      blocked.push(`${event.effectiveDirective} ${event.blockedURI}`);
    });
  });
  return {
    async nothingHappened() {
      // What is made of text is made by now; what it would load or run comes a moment later.
      await page.waitForLoadState("networkidle");
      const seen = await page.evaluate(() => ({
        pwned: "pwned" in window,
        blocked: (window as unknown as { blocked: string[] }).blocked,
        background: getComputedStyle(document.body).backgroundColor,
        ink: getComputedStyle(document.body).color,
        sheets: [...document.styleSheets].filter(
          (sheet) => !sheet.href?.startsWith(`${location.origin}/assets/`),
        ).length,
        foreign: [
          ...document.querySelectorAll(
            "body script:not([src]), iframe, object, embed, base, meta[http-equiv], style",
          ),
        ].map((element) => element.outerHTML),
        pictures: [...document.images].map((image) => image.src),
        handlers: [...document.querySelectorAll("*")].flatMap((element) =>
          [...element.attributes]
            .filter((attribute) => attribute.name.startsWith("on"))
            .map((attribute) => attribute.name),
        ),
        addresses: [...document.querySelectorAll("[href], [src], [action], [formaction], [srcdoc], [ping]")]
          .flatMap((element) =>
            ["href", "src", "action", "formaction", "srcdoc", "ping"].map((name) =>
              element.getAttribute(name),
            ),
          )
          .filter((address) => address !== null && !/^(?:https?:|mailto:|\/|#)/.test(address)),
      }));
      expect(seen).toEqual({
        pwned: false,
        blocked: [],
        background: "rgb(255, 255, 255)",
        ink: "rgb(22, 32, 30)",
        sheets: 0,
        foreign: [],
        pictures: [],
        handlers: [],
        addresses: [],
      });
      expect(new URL(page.url()).origin).toBe(machine.url);
      expect(elsewhere).toEqual([]);
      expect(beacon.asked).toEqual([]);
      expect(dialogs).toEqual([]);
    },
  };
}

/** Only what Markdown may become is there, with only the attributes it needs. */
async function expectPure(prose: Locator): Promise<void> {
  const found = await prose.locator("*").evaluateAll((elements) =>
    elements.map((element) => ({
      tag: element.tagName.toLowerCase(),
      space: element.namespaceURI,
      attributes: element.getAttributeNames(),
      href: element.getAttribute("href"),
      rel: element.getAttribute("rel"),
      target: element.getAttribute("target"),
    })),
  );
  for (const element of found) {
    expect(ELEMENTS).toContain(element.tag);
    expect(element.space).toBe("http://www.w3.org/1999/xhtml");
    for (const attribute of element.attributes)
      expect(ATTRIBUTES[element.tag] ?? [], element.tag).toContain(attribute);
    if (element.tag !== "a" || element.href === null) continue;
    expect(element.href).toMatch(/^(?:https?|mailto):/);
    expect(element.rel?.split(" ")).toContain("noopener");
    expect(element.target).toBe("_blank");
  }
}

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
  await page.getByRole("button", { name: "Search" }).click();
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
  await expect(page.locator("dialog ins")).toContainText("<object");
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

test("the policy itself stops what the page would never try", async ({ page, machine, quiet }) => {
  quiet.allow(/Content Security Policy|Trusted|TrustedHTML|TrustedScript|Failed to load resource|blocked/i);
  const answer = await page.goto(machine.url);
  const policy = answer?.headers()["content-security-policy"] ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("require-trusted-types-for 'script'");
  expect(policy).not.toContain("unsafe");
  expect(policy).not.toMatch(/https?:|\*/);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  beacon.asked = [];
  const tried = await page.evaluate(async (at) => {
    const violated: string[] = [];
    document.addEventListener("securitypolicyviolation", (event) => violated.push(event.effectiveDirective));
    const refused: string[] = [];
    const attempt = (name: string, act: () => void): void => {
      try {
        act();
      } catch (error) {
        refused.push(`${name}: ${(error as Error).name}`);
      }
    };
    const make = <Name extends keyof HTMLElementTagNameMap>(
      name: Name,
      attributes: Record<string, string>,
      child = "",
    ): HTMLElementTagNameMap[Name] => {
      const element = document.createElement(name);
      if (child !== "") element.append(child);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      document.body.append(element);
      return element;
    };
    // From a task of the page's own: an evaluation by the debugger is exempt from some of it.
    await new Promise<void>((resolve) => {
      setTimeout(() => {
        attempt("innerHTML", () => (document.body.innerHTML = "<img src=x onerror=window.pwned=1>"));
        attempt("insertAdjacentHTML", () => document.body.insertAdjacentHTML("beforeend", "<b>x</b>"));
        attempt("document.write", () => document.write("<b>x</b>"));
        attempt("script.src", () => (document.createElement("script").src = `${at}/script.js`));
        attempt("script.text", () => (document.createElement("script").text = "window.pwned = 1"));
        // biome-ignore lint/security/noGlobalEval: it is tried here to see it refused.
        attempt("eval", () => window.eval("window.pwned = 1"));
        attempt("setTimeout", () => setTimeout("window.pwned = 1" as unknown as () => void));
        attempt("a policy of one's own", () =>
          (
            window as unknown as { trustedTypes: { createPolicy: (name: string, rules: object) => void } }
          ).trustedTypes.createPolicy("mine", {}),
        );
        attempt("inline script", () => make("script", {}, "window.pwned = 1"));
        attempt("inline handler", () => make("button", { onclick: "window.pwned = 1" }).click());
        attempt("javascript: link", () => make("a", { href: "javascript:window.pwned=1" }).click());
        attempt("inline style", () => make("style", {}, "body { background: rgb(1, 2, 3) !important }"));
        attempt("style attribute", () =>
          make("p", { style: "position: fixed" }).setAttribute("id", "styled"),
        );
        attempt("foreign style", () => make("link", { rel: "stylesheet", href: `${at}/style.css` }));
        attempt("foreign image", () => make("img", { src: `${at}/image.gif` }));
        attempt("frame", () => make("iframe", { src: `${at}/frame` }));
        attempt("object", () => make("object", { data: `${at}/object` }));
        attempt("media", () => make("video", { src: `${at}/video` }));
        attempt("base", () => make("base", { href: `${at}/` }));
        attempt("form", () => make("form", { action: `${at}/form` }).submit());
        attempt("beacon", () => navigator.sendBeacon(`${at}/beacon`));
        fetch(`${at}/fetch`).catch(() => refused.push("fetch"));
        attempt("socket", () => new WebSocket(`${at.replace("http", "ws")}/socket`));
        setTimeout(resolve, 500);
      });
    });
    return {
      violated: [...new Set(violated)].sort(),
      refused: refused.sort(),
      pwned: "pwned" in window,
      background: getComputedStyle(document.body).backgroundColor,
      styled: getComputedStyle(document.getElementById("styled") as HTMLElement).position,
      base: document.baseURI,
    };
  }, beacon.url);
  expect(tried).toMatchObject({ pwned: false, background: "rgb(255, 255, 255)", styled: "static" });
  expect(new URL(tried.base).origin).toBe(machine.url);
  for (const refused of [
    "innerHTML: TypeError",
    "insertAdjacentHTML: TypeError",
    "document.write: TypeError",
    "script.src: TypeError",
    "script.text: TypeError",
    "a policy of one's own: TypeError",
    "fetch",
  ]) {
    expect(tried.refused).toContain(refused);
  }
  for (const directive of [
    "base-uri",
    "connect-src",
    "form-action",
    "frame-src",
    "img-src",
    "media-src",
    "require-trusted-types-for",
    "style-src-attr",
    "style-src-elem",
    "trusted-types",
  ]) {
    expect(tried.violated).toContain(directive);
  }
  expect(tried.violated.some((directive) => directive.startsWith("script-src"))).toBe(true);
  expect(beacon.asked).toEqual([]);
});

test("no other page can frame it", async ({ page, machine, quiet }) => {
  quiet.allow(/frame|ERR_BLOCKED_BY_RESPONSE|Failed to load resource/i);
  for (const path of ["/", "/prompt-workshop", "/library"]) {
    const answer = await fetch(machine.url + path);
    expect(answer.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  }
  beacon.page = `<!doctype html><title>Bait</title><iframe src="${machine.url}/library"></iframe>`;
  await page.goto(beacon.url);
  await expect.poll(() => page.frames()[1]?.url()).toMatch(/^chrome-error:/);
  await expect(page.frameLocator("iframe").getByText("Library")).toHaveCount(0);
  beacon.page = "";
});
