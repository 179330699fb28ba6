/**
 * Hostile text in every field of every answer, whatever the server would let in:
 * which fields there are is read from the OpenAPI document, so that a new one
 * is tried, and has to be accounted for here, from its first day.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Route } from "@playwright/test";
import { Beacon, expectPure, guard, tricks } from "./attacker";
import { Machine } from "./machine";
import { ROOT } from "./places";
import { articles, commit, converse, largeFile } from "./prepare";
import { Publisher } from "./publisher";
import { refuse } from "./stand-in";
import { editor, expect, open, TEXT, test } from "./workshop";

interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, Schema>;
  items?: Schema;
  oneOf?: Schema[];
  anyOf?: Schema[];
}

interface Operation {
  operationId: string;
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

const DOCUMENT = JSON.parse(readFileSync(join(ROOT, "functions/openapi.json"), "utf8")) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

/** What a program reads, and no person: it is left as it is. */
const FOR_PROGRAMS =
  /\.(?:next_cursor|date|user_id)$|^UploadTarget|^(?:Feed|Found|Similar)\.id$|^health|^openapi|^prompts-get\.name$/;

/** Fields with text that no view shows, and why. One that is shown after all is reported, too. */
const NOT_SHOWN: Record<string, string> = {
  "Done.message": "the page has sentences of its own",
  "DeletedTopic.message": "the page has sentences of its own",
  "Summary.parent_prompt_name": "only an open draft says what it was cloned from",
  "drafts-update.message": "the page has sentences of its own",
  "drafts-commit.message": "the page has sentences of its own",
  "drafts-commit.name": "led to after a commit; the server takes a-z, 0-9 and _ only",
  "LargeImport.columns": "what was chosen in the page before the upload",
  "UsedArticle.url": "a link's address, or nothing",
  "RunView.error": "a list of runs is short; one that is opened says it",
  "RunView.notice": "as above",
  "RunView.tools_used": "as above",
  "RunView.waiting_for": "as above",
  "drafts-start.draft_name": "the draft is opened, and says it itself",
  "drafts-start.initial_message": "as above",
  "prompts-clone.draft_name": "as above",
  "prompts-clone.message": "as above",
  "prompts-clone.parent_prompt": "as above",
  "prompts-versions.name": "the prompt beside it says it",
  "Cloned.name": "a link's address",
  "Found.language": "for filters to come",
  "Similar.url": "a link's address, or nothing",
  "Found.tags": "for filters to come",
  "Found.url": "a link's address, or nothing",
  "Feed.site_url": "a link's address, or nothing",
};

/** Fields that the server really gave hostile, since something it was sent came back in them. */
const SEEDED = `
  Checks.uncited_numbers Cloned.title Counted.name DraftView.draft_content DraftView.draft_description
  DraftView.draft_name Feed.title Found.category Found.source Found.summary Found.tags Found.text Found.title
  FullRunView.full_response FullRunView.model FullRunView.notes FullRunView.prompt_text
  FullRunView.response_preview FullRunView.test_query FullRunView.topic InventedLink.text LargeImport.topic
  Message.content Message.model ModelView.id ModelView.label Prompt.description Prompt.title RunView.model
  RunView.notes RunView.response_preview RunView.test_query RunView.topic Summary.draft_description
  Summary.draft_name ToolCall.arguments ToolCall.name ToolCall.result Topic.name UsedArticle.source
  UsedArticle.title Version.description Version.title articles-search.topic prompts-get.content
  prompts-get.description prompts-get.title
`
  .trim()
  .split(/\s+/);

const named = (schema: Schema): string => schema.$ref?.split("/").at(-1) ?? "";

/** What a schema says, without the indirections, and null left out. */
function resolved(schema: Schema): Schema {
  if (schema.$ref) return resolved(DOCUMENT.components.schemas[named(schema)] ?? {});
  const some = (schema.oneOf ?? schema.anyOf)?.filter((one) => one.type !== "null");
  return some?.length === 1 && some[0] ? resolved(some[0]) : schema;
}

/** What a field is called: by its type where that has a name of its own, else by its route. */
function ownerOf(schema: Schema, owner: string): string {
  const some = schema.oneOf ?? schema.anyOf;
  const name = named(schema) || (some ? named(some.find((one) => one.$ref) ?? {}) : "");
  return name === "" || /^(?:In|Out)put\d*$/.test(name) ? owner : name;
}

const is = (schema: Schema, type: string): boolean => [schema.type].flat().includes(type);

/** The value of a field, with whatever a person would read in it made hostile by `text`. */
function poisoned(
  schema: Schema,
  value: unknown,
  owner: string,
  text: (field: string, was: unknown) => unknown,
): unknown {
  const inner = ownerOf(schema, owner);
  const plain = resolved(schema);
  if (is(plain, "object") && plain.properties) {
    const had = (value ?? {}) as Record<string, unknown>;
    const fields = Object.entries(plain.properties).map(([name, field]) => [
      name,
      poisoned(field, had[name], `${inner}.${name}`, text),
    ]);
    return { ...had, ...Object.fromEntries(fields) };
  }
  if (is(plain, "array")) {
    const had = (value ?? []) as unknown[];
    const items = plain.items ?? {};
    return (had.length === 0 ? [undefined] : had).map((item) => poisoned(items, item, inner, text));
  }
  // Anything at all, as a model's arguments are.
  if (plain.type === undefined && !plain.oneOf && !plain.enum) return text(inner, value);
  if (is(plain, "string") && !plain.enum && plain.const === undefined && plain.format === undefined)
    return FOR_PROGRAMS.test(inner) ? value : text(inner, value);
  if (value !== undefined && value !== null) return value;
  if (plain.oneOf) return plain.oneOf[0]?.const;
  if (plain.enum) return plain.enum[0];
  if (plain.format === "date-time") return new Date().toISOString();
  if (is(plain, "boolean")) return true;
  return is(plain, "number") || is(plain, "integer") ? 1 : value;
}

/** Each route's answer, by the route's name. */
const ANSWERS = Object.entries(DOCUMENT.paths).flatMap(([path, operations]) =>
  Object.entries(operations).flatMap(([method, { operationId, responses }]) =>
    Object.entries(responses).flatMap(([status, { content }]) => {
      const schema = content?.["application/json"]?.schema;
      const matches = new RegExp(`^${path.replace(/\{[^}]+\}/g, "[^/]+")}$`);
      return schema ? [{ name: operationId, method: method.toUpperCase(), status, matches, schema }] : [];
    }),
  ),
);

/** Every field with text for people that any route answers with. */
const FIELDS = new Set<string>();
for (const { schema, name } of ANSWERS) poisoned(schema, undefined, name, (field) => FIELDS.add(field));

/** Each field has a mark of its own, by which it is found on the page and in answers. */
const mark = (field: string): string => `mark-${[...FIELDS].indexOf(field)}-`;
const MARKS = /mark-\d+-/gi;

/** What fits where little fits. */
const short = (field: string): string => `"><img src=x onerror=pwned=1>${mark(field)}`;

/** Everything at once, each trick first in one field or another. */
function long(field: string, at: string): string {
  const all = tricks(at);
  const first = [...FIELDS].indexOf(field) % all.length;
  return [mark(field), ...all.slice(first), ...all.slice(0, first)].join("\n\n");
}

const ADDRESSES = /\.(?:url|site_url|also_at)$/;
const SCRIPTS = [
  "javascript:window.pwned=1//",
  "JaVaScRiPt:window.pwned=1//",
  " javascript:window.pwned=1//",
  "java\tscript:window.pwned=1//",
  "data:text/html,<script>window.pwned=1</script>",
  "vbscript:msgbox(1)//",
  "//",
];

/** A machine of this file's own, whose model has a hostile name. */
let machine: Machine;
let publisher: Publisher;
let beacon: Beacon;

test.beforeAll(async ({ model }) => {
  publisher = await Publisher.start();
  beacon = await Beacon.start();
  const hostile = {
    id: short("ModelView.id"),
    label: short("ModelView.label"),
    base_url: model.url,
    context_window: 65_536,
    max_output_tokens: 4_096,
    supports_tools: true,
    price_in: 0,
    price_out: 0,
  };
  machine = await Machine.withTools(model.url, {
    WORKSHOP_MODELS: JSON.stringify([hostile]),
    WORKSHOP_REACHABLE: publisher.address,
  });
});

test.afterAll(async () => {
  await machine.stop();
  await publisher.stop();
  await beacon.stop();
});

const HOSTILE = `"><img src=x onerror=pwned=1>`;
const TOPIC = short("Topic.name");
const WORKSHOP = "/auspex/prompts/workshop";

const escaped = (text: string): string => text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const oneLine = (text: string): string => text.replace(/\s+/g, " ");

/** One of everything, hostile in every field that the server takes; the draft's id. */
async function seed(
  machine: Machine,
  model: import("./scripted-model").ScriptedModel,
  publisher: Publisher,
  at: string,
): Promise<string> {
  await articles(
    machine,
    TOPIC,
    ["One", "Two", "Three", "Four", "Five", "Six"].map((number) => ({
      title: oneLine(`Survey ${number} ${short("Found.title")}`),
      url: `${at}/${number}?a="><script>window.pwned=1</script>`,
      source: short("Found.source"),
      summary: `Survey ${number}. ${long("Found.summary", at)}`.slice(0, 4_900),
      text: `${number}. ${long("Found.text", at)}`,
      category: short("Found.category"),
      tags: [`<img src=x onerror=pwned=1>${mark("Found.tags")}`],
    })),
  );
  const feed = publisher.rss("/hostile.xml", escaped(oneLine(short("Feed.title"))), [
    {
      title: escaped(short("Found.title")),
      link: `${at}/from-a-feed`,
      text: escaped(long("Found.summary", at)),
    },
  ]);
  await machine.ask("POST", `/topics/${encodeURIComponent(TOPIC)}/feeds`, { url: feed });

  const { draft_id: draft } = await machine.ask<{ draft_id: string }>("POST", `${WORKSHOP}/start`, {
    draft_name: short("DraftView.draft_name"),
    starting_prompt: `${TEXT}\n\n${long("DraftView.draft_content", at)}`,
  });
  await machine.ask("PUT", `${WORKSHOP}/drafts/${draft}`, {
    draft_description: short("DraftView.draft_description"),
  });
  // The proposal is hostile in its fence, too.
  model.answer = `${long("Message.content", at)}\n\n~~~~\n${TEXT}\n${long("Message.content", at)}\n~~~~\n`;
  await converse(machine, draft, long("Message.content", at));

  for (const store_full_response of [true, false]) {
    const bad = short("ToolCall.name");
    model.turns = [
      {
        calls: [
          {
            name: bad,
            arguments: JSON.stringify({ [short("ToolCall.arguments")]: long("ToolCall.arguments", at) }),
          },
          {
            name: "enhanced_database_search",
            arguments: JSON.stringify({ query: short("ToolCall.arguments") }),
          },
        ],
      },
    ];
    model.answer = `[${short("InventedLink.text")}](https://invented.example/a) says so.\n\nOf these firms 63 per cent plan it, ${short("Checks.uncited_numbers")}.\n\n${long("FullRunView.full_response", at)}`;
    const { test_id } = await machine.ask<{ test_id: string }>("POST", `${WORKSHOP}/drafts/${draft}/test`, {
      test_query: `What do surveys say? ${short("FullRunView.test_query")}`,
      topic: TOPIC,
      limit: 5,
      store_full_response,
      notes: `${short("FullRunView.notes")}`,
      user_rating: 2,
    });
    await expect
      .poll(
        async () =>
          (await machine.ask<{ status: string }>("GET", `${WORKSHOP}/drafts/${draft}/tests/${test_id}`))
            .status,
      )
      .toBe("succeeded");
  }
  for (const version of ["first", "second"]) {
    await machine.save(draft, `${TEXT}\n${version}\n${long("prompts-get.content", at)}`);
    await commit(machine, draft, {
      name: "hostile_prompt",
      title: short("prompts-get.title"),
      description: short("prompts-get.description"),
    });
  }
  await machine.ask("POST", "/auspex/prompts/hostile_prompt/clone");
  return draft;
}

test("hostile text in any field of any answer is shown as text and does nothing, in every view", async ({
  page,
  model,
}) => {
  // Every view there is.
  test.slow();
  const draft = await seed(machine, model, publisher, beacon.url);
  /** The marks that each field had, and which of them the server itself gave. */
  const held = new Map<string, Set<string>>();
  const real = new Set<string>();
  let unlike = 0;
  let isWaiting = false;
  const text = (field: string, was: unknown): unknown => {
    const marks = JSON.stringify(was ?? "").match(MARKS);
    for (const each of marks ?? [mark(field)]) held.set(field, (held.get(field) ?? new Set()).add(each));
    if (marks) {
      real.add(field);
      return was;
    }
    unlike += 1;
    return ADDRESSES.test(field)
      ? `${SCRIPTS[unlike % SCRIPTS.length]}${mark(field)}${unlike}`
      : long(field, beacon.url);
  };
  await page.route("**/api/**", async (route) => {
    const request = route.request();
    const { pathname } = new URL(request.url());
    const answer = await route.fetch({ headers: { ...request.headers(), "if-none-match": "" } });
    const known = ANSWERS.find(
      (one) =>
        one.method === request.method() &&
        one.status === String(answer.status()) &&
        one.matches.test(pathname),
    );
    if (!known) return route.fulfill({ response: answer });
    const told = poisoned(known.schema, await answer.json(), known.name, text) as Record<string, unknown>;
    // What is said only of a feed that fails, of a run that waits, of an import that failed.
    if (known.name === "feeds-list")
      for (const feed of told.feeds as { status: string }[]) feed.status = "failing";
    if (known.name === "tests-get" && isWaiting) told.status = "queued";
    if (known.name === "imports-get") told.status = "failed";
    // Nothing more is asked of a file before it is imported.
    if (known.name === "articles-import") (told.preview as { missing: string[] }).missing = [];
    return route.fulfill({ response: answer, json: told });
  });

  const guarded = await guard(page, machine, beacon);
  const seen = new Set<string>();
  const look = async (): Promise<void> => {
    await page.evaluate(() => {
      for (const more of document.querySelectorAll("details")) more.open = true;
      // What is far down isn't rendered, and so isn't text yet.
      const sheet = new CSSStyleSheet();
      sheet.replaceSync("* { content-visibility: visible !important }");
      document.adoptedStyleSheets = [sheet];
    });
    await guarded.nothingHappened();
    const said = await page.evaluate(() => {
      const fields = [...document.querySelectorAll<HTMLInputElement>("input, textarea, option")];
      return [
        document.title,
        document.body.innerText,
        ...fields.flatMap((one) => [one.value, one.textContent]),
      ];
    });
    for (const shadowed of await page.locator(".cm-content").all()) said.push(await shadowed.innerText());
    for (const each of said.join("\n").toLowerCase().match(MARKS) ?? []) seen.add(each);
    await expectPure(page.locator(".prose"));
  };

  await page.goto(machine.url);
  await expect(page.locator(".drafts > li").first()).toBeVisible();
  await look();
  await page
    .getByRole("button", { name: /^Delete/ })
    .first()
    .click();
  await look();

  await page.goto(`${machine.url}/prompt-workshop`);
  await expect(page.locator("#from option").first()).toBeAttached();
  await look();

  await open(page, machine, draft);
  await expect(page.locator(".message.assistant .prose").last()).not.toBeEmpty();
  await look();
  await page.getByRole("button", { name: /^Extract draft/ }).click();
  await expect(page.getByRole("heading", { name: /^Proposed at/ })).toBeVisible();
  await look();
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Commit to the library" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await look();
  await page.keyboard.press("Escape");
  await page.getByRole("tab", { name: "Test" }).click();
  await expect(page.getByRole("article", { name: "Test run" })).toBeVisible();
  await look();
  await page.getByRole("tab", { name: "History" }).click();
  for (const box of await page.getByRole("checkbox", { name: /^Compare/ }).all()) await box.check();
  await page.getByRole("button", { name: "Compare the two" }).click();
  await expect(page.locator(".comparison .prose").first()).toBeVisible();
  await look();

  for (const [path, shown] of [
    ["/library", ".page a[href^='/library/']"],
    ["/library/hostile_prompt?version=2&against=1", "del, ins"],
    ["/library/hostile_prompt", ".prompt-text"],
    ["/topics", "a[href^='/topics/']"],
    [`/topics/${encodeURIComponent(TOPIC)}?query=survey&category=${encodeURIComponent(TOPIC)}`, ".search"],
    [`/topics/${encodeURIComponent(TOPIC)}?query=survey`, ".results li h3"],
    [`/topics/${encodeURIComponent(TOPIC)}?view=feeds`, ".feeds > li"],
    ["/dashboard", "a[href^='/library/']"],
    ["/settings", ".models > li"],
  ] as const) {
    await page.goto(machine.url + path);
    await expect(page.locator(shown).first()).toBeVisible();
    await look();
  }

  await page.goto(`${machine.url}/topics/${encodeURIComponent(TOPIC)}?query=survey`);
  for (const asks of ["Delete topic", /^Delete: /]) {
    await page.getByRole("button", { name: asks }).first().click();
    await expect(page.getByRole("dialog")).toBeVisible();
    await look();
    await page.keyboard.press("Escape");
  }

  await page.goto(`${machine.url}/topics`);
  for (const [name, buffer, end] of [
    [
      `${HOSTILE}.jsonl`,
      Buffer.from('{"title": "No address"}\n{"title": "Fine", "url": "https://a.example", "text": "x"}'),
      /is imported into/,
    ],
    [`large ${HOSTILE}.jsonl`, largeFile([]), new RegExp(mark("LargeImport.error"))],
  ] as const) {
    await page.getByLabel("Topic", { exact: true }).first().fill(TOPIC);
    await page.getByLabel("File").setInputFiles({ name, mimeType: "application/x-ndjson", buffer });
    // How it would be read is an answer, too.
    await expect(page.getByRole("region", { name: "What its columns are" })).toContainText(
      "could be two dates",
    );
    await look();
    await page.getByRole("button", { name: "Import", exact: true }).click();
    const told = page.getByRole("region", { name: "Import" });
    await expect(told).toContainText(end, { timeout: 30_000 });
    await look();
    await told.getByRole("button", { name: /^(?:Done|Close|Leave it at that)$/ }).click();
  }

  isWaiting = true;
  await open(page, machine, draft);
  await page.getByRole("tab", { name: "Test" }).click();
  await expect(page.getByText(mark("FullRunView.waiting_for")).first()).toBeVisible();
  seen.add(mark("FullRunView.waiting_for"));
  isWaiting = false;

  const missing = [...FIELDS].filter((field) => ![...(held.get(field) ?? [])].some((each) => seen.has(each)));
  expect(missing.toSorted()).toEqual(Object.keys(NOT_SHOWN).toSorted());
  // What the server itself takes and gives back so; the rest was put into its answers on the way.
  expect([...real].toSorted()).toEqual(SEEDED);
});

test("a hostile sentence of a refusal is shown as text, wherever one can be refused", async ({
  page,
  quiet,
}) => {
  quiet.allow(/Failed to load resource/);
  const draft = await machine.draft(TEXT);
  const sentence = `Refused. ${tricks(beacon.url).join("\n\n")}`;
  const isShown = () => expect(page.getByText("Refused. Text before <script>").first()).toBeVisible();
  const refused = (route: Route) =>
    refuse(route, 422, `${HOSTILE}`, sentence, `/${HOSTILE}`, { "retry-after": HOSTILE });
  const guarded = await guard(page, machine, beacon);

  await open(page, machine, draft);
  await page.route("**/api/**", refused);
  await page.getByLabel("Message to the assistant").fill("Hello");
  await page.keyboard.press("Control+Enter");
  await isShown();
  await guarded.nothingHappened();
  await editor(page).press("x");
  await expect(page.locator(".saved")).toContainText("Not saved: Refused. Text before <script>");
  await guarded.nothingHappened();

  for (const path of [
    "/",
    `/prompt-workshop?draft_id=${draft}`,
    "/prompt-workshop?clone=default_research",
    "/library",
    "/library/default_research",
    "/topics",
    "/topics/AI%20Adoption",
    "/topics/AI%20Adoption?view=feeds",
    "/dashboard",
    "/settings",
  ]) {
    await page.goto(machine.url + path);
    await isShown();
    await guarded.nothingHappened();
  }
  await page.unroute("**/api/**");
  // And in the middle of an answer.
  await page.route("**/chat/message", (route) =>
    route.fulfill({
      contentType: "text/event-stream",
      body: `data: ${JSON.stringify({ content: "Yes" })}\n\ndata: ${JSON.stringify({
        error: {
          type: "urn:x",
          title: sentence,
          status: 502,
          detail: sentence,
          instance: sentence,
          errors: [],
        },
      })}\n\n`,
    }),
  );
  await open(page, machine, await machine.draft(TEXT));
  await page.getByLabel("Message to the assistant").fill("Hello again");
  await page.keyboard.press("Control+Enter");
  await isShown();
  await guarded.nothingHappened();
});
