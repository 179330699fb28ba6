/**
 * Someone who wants the page to do what it shouldn't: every trick that text can
 * try, another site that hears what gets out, and what to look for on the page.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, type Locator, type Page } from "@playwright/test";
import type { Machine } from "./machine";

/** Another origin that tells who asked it for something. */
export class Beacon {
  asked: string[] = [];
  /** Connections count, too: a preconnect is one, and asks for nothing. */
  connections = 0;
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
    server.on("connection", () => {
      beacon.connections += 1;
    });
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
export function tricks(at: string): string[] {
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
    `<link rel="preconnect" href="${at}"> <link rel="dns-prefetch" href="${at}"> <link rel="prefetch" href="${at}/prefetch"> <link rel="modulepreload" href="${at}/module.js">`,
    `<math href="javascript:window.pwned=1"><maction actiontype="statusline#${at}/status">CLICK</maction></math> <svg><use href="data:image/svg+xml,<svg id='x' onload='pwned=1'/>#x"/><foreignObject><iframe src="${at}/foreign"></iframe></foreignObject></svg>`,
    `<<SCRIPT>window.pwned=1//<</SCRIPT> <scr<script>ipt>window.pwned=1</scr</script>ipt> <ScRiPt/x>window.pwned=1</sCrIpT\t\n>`,
    `[nul](java&#0;script:window.pwned=1) [newline](<java\nscript:window.pwned=1>) [hex](&#x6A;&#x61;vascript:window.pwned=1) [wide](ｊａｖａｓｃｒｉｐｔ:window.pwned=1) <javascript:window.pwned=1>`,
    `<form id="forms" name="cookie"><input name="attributes"><input id="body" name="nodeName"></form> <img name="currentScript"> <a id="caches" href="${at}/clobbered">x</a>`,
    `\u202egnp.exe\u202c \u2066${at}/isolated\u2069 zero\u200bwidth\u200d \ufeff\u00ad`,
    `Header: value\r\nSet-Cookie: pwned=1\r\n\r\n<script>window.pwned=1</script>`,
    `\${window.pwned=1} {{constructor.constructor('window.pwned=1')()}} <%= window.pwned=1 %> #{window.pwned=1}`,
    `${at}/bare <${at}/angle> http://127.0.0.1:1/loopback http://[::1]:1/ www.example.com ftp://127.0.0.1/x`,
    `<!--[if gte IE 4]><script>window.pwned=1</script><![endif]--> <![CDATA[<img src=x onerror=window.pwned=1>]]> <?xml-stylesheet href="${at}/xsl.css"?> --!><script>window.pwned=1</script>`,
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
export async function guard(
  page: Page,
  machine: Machine,
  beacon: Beacon,
): Promise<{ nothingHappened: () => Promise<void> }> {
  const elsewhere: string[] = [];
  const dialogs: string[] = [];
  const popups: string[] = [];
  beacon.asked = [];
  beacon.connections = 0;
  page.on("popup", (popup) => popups.push(popup.url()));
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
      const seen = await page.evaluate(() => {
        // The editor's elements stand in a shadow root.
        const everything = (root: Document | ShadowRoot): Element[] =>
          [...root.querySelectorAll("*")].flatMap((element) =>
            element.shadowRoot ? [element, ...everything(element.shadowRoot)] : [element],
          );
        const all = everything(document);
        const addresses = [
          "href",
          "xlink:href",
          "src",
          "srcset",
          "action",
          "formaction",
          "srcdoc",
          "ping",
          "data",
        ];
        return {
          pwned: "pwned" in window,
          blocked: (window as unknown as { blocked: string[] }).blocked,
          background: getComputedStyle(document.body).backgroundColor,
          ink: getComputedStyle(document.body).color,
          sheets: [...document.styleSheets].filter(
            (sheet) => !sheet.href?.startsWith(`${location.origin}/assets/`),
          ).length,
          foreign: all
            .filter((element) =>
              element.matches(
                "body script:not([src]), iframe, object, embed, base, meta[http-equiv], style, body link, math, foreignObject",
              ),
            )
            .map((element) => element.outerHTML),
          pictures: [...document.images].map((image) => image.src),
          handlers: all.flatMap((element) =>
            element.getAttributeNames().filter((name) => name.startsWith("on")),
          ),
          addresses: all
            .flatMap((element) => addresses.map((name) => element.getAttribute(name)))
            // What the page makes itself to be downloaded is a blob of its own origin.
            .filter(
              (address) =>
                address !== null &&
                !/^(?:https?:|mailto:|\/|#)/.test(address) &&
                !address.startsWith(`blob:${location.origin}/`),
            ),
        };
      });
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
      expect(beacon.connections).toBe(0);
      expect(popups).toEqual([]);
      expect(dialogs).toEqual([]);
    },
  };
}

/** Only what Markdown may become is there, with only the attributes it needs. */
export async function expectPure(prose: Locator): Promise<void> {
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
  const impure = found.filter(
    ({ tag, space, attributes, href, rel, target }) =>
      !ELEMENTS.includes(tag) ||
      space !== "http://www.w3.org/1999/xhtml" ||
      attributes.some((name) => !ATTRIBUTES[tag]?.includes(name)) ||
      (href !== null &&
        !(/^(?:https?|mailto):/.test(href) && rel?.split(" ").includes("noopener") && target === "_blank")),
  );
  expect(impure).toEqual([]);
}
