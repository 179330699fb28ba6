import "fake-indexeddb/auto";
import { openDB } from "idb";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Draft } from "../server";
import { type Entry, Journal } from "./journal";

const DRAFT = "0197a7a0-0000-7000-8000-000000000001";
const OTHER_DRAFT = "0197a7a0-0000-7000-8000-000000000002";
const DAY = 24 * 3_600_000;

let database = "";
let made = 0;
beforeEach(() => {
  made += 1;
  database = `journal-${made}`;
});

const base = (content: string): Draft => ({
  id: DRAFT,
  user_id: "local",
  draft_name: "Brief",
  draft_description: "",
  draft_content: content,
  content_length: content.length,
  status: "draft",
  revision: 1,
  test_count: 0,
  workshop_chat_id: DRAFT,
  created_at: "2026-05-03T12:00:00Z",
  updated_at: "2026-05-03T12:00:00Z",
  expires_at: "2026-06-02T12:00:00Z",
});

function typed(content: string, change: Partial<Omit<Entry, "tab">> = {}): Omit<Entry, "tab"> {
  return {
    draft: DRAFT,
    identity: "",
    base: base("base"),
    fields: { content, name: "Brief", description: "", status: null },
    unsaved: true,
    at: 1_000,
    ...change,
  };
}

const contents = (entries: Entry[]): string[] => entries.map((entry) => entry.fields.content);
const read = async (identity = ""): Promise<string[]> =>
  contents(await new Journal("reader", database).read(DRAFT, identity));

test("what was written is found by the next page, with what it was made from", async () => {
  const entry = typed("mine", { fields: { content: "mine", name: "N", description: "D", status: "ready" } });
  await new Journal("a", database).write(entry);
  expect(await new Journal("b", database).read(DRAFT, "")).toEqual([{ ...entry, tab: "a" }]);
});

describe("writes", () => {
  test("that come faster than the storage are fewer, and the newest lands", async () => {
    const journal = new Journal("a", database);
    const put = vi.spyOn(IDBObjectStore.prototype, "put");
    const all = Array.from({ length: 100 }, (_, at) => journal.write(typed(`text ${at}`)));
    await Promise.all(all);
    const texts = put.mock.calls.filter(([value]) => "fields" in value).length;
    put.mockRestore();
    expect(texts).toBeLessThanOrEqual(2);
    expect(await read()).toEqual(["text 99"]);
  });

  test("resolve only when their text, or a newer one, is stored", async () => {
    const journal = new Journal("a", database);
    const first = journal.write(typed("first"));
    const second = journal.write(typed("second"));
    await first;
    expect(await read()).not.toEqual([]);
    await second;
    expect(await read()).toEqual(["second"]);
  });

  test("that come the moment another ends are not passed over", async () => {
    const journal = new Journal("a", database);
    /** Resolves in the step in which the next transaction's end is told. */
    const ended = (): Promise<void> =>
      new Promise((resolve) => {
        const transaction = IDBDatabase.prototype.transaction;
        const spy = vi.spyOn(IDBDatabase.prototype, "transaction");
        spy.mockImplementation(function (this: IDBDatabase, ...all) {
          spy.mockRestore();
          const begun = transaction.apply(this, all);
          begun.addEventListener("complete", () => resolve());
          return begun;
        });
      });
    for (let steps = 0; steps < 12; steps += 1) {
      const draft = `${DRAFT}-${steps}`;
      const first = journal.write(typed("first", { draft }));
      let moment = ended();
      for (let step = 0; step < steps; step += 1) moment = moment.then(() => {});
      await moment.then(() => journal.write(typed("second", { draft })));
      await first;
      expect(contents(await journal.read(draft, "")), `${steps} steps later`).toEqual(["second"]);
    }
  });

  test("of several drafts don't wait in vain for each other", async () => {
    const journal = new Journal("a", database);
    await Promise.all([
      journal.write(typed("one")),
      journal.write(typed("two", { draft: OTHER_DRAFT })),
      journal.write(typed("three")),
    ]);
    expect(contents(await journal.read(DRAFT, ""))).toEqual(["three"]);
    expect(contents(await journal.read(OTHER_DRAFT, ""))).toEqual(["two"]);
  });

  test("of a new base store it with the text", async () => {
    const journal = new Journal("a", database);
    await journal.write(typed("one"));
    await journal.write(typed("two", { base: { ...base("one"), revision: 2 } }));
    const [entry] = await new Journal("b", database).read(DRAFT, "");
    expect(entry?.base).toMatchObject({ draft_content: "one", revision: 2 });
  });
});

test("two tabs keep their texts apart, and the newest comes first", async () => {
  const [a, b] = [new Journal("a", database), new Journal("b", database)];
  await Promise.all([a.write(typed("of a", { at: 1 })), b.write(typed("of b", { at: 2 }))]);
  await a.write(typed("of a, later", { at: 3 }));
  expect(await read()).toEqual(["of a, later", "of b"]);
});

test("a text is read by who typed it, and nobody else", async () => {
  await new Journal("a", database).write(typed("mine", { identity: "ada" }));
  expect(await read("ada")).toEqual(["mine"]);
  expect(await read("")).toEqual([]);
  expect(await read("bob")).toEqual([]);
  expect(await new Journal("b", database).drafts("bob")).toEqual([]);
});

describe("a page that goes away", () => {
  /** Like the browser's: what is kept are its own names. */
  function storage(): Storage & Record<string, string> {
    const kept: Record<string, string> = {};
    return Object.defineProperties(kept, {
      getItem: { value: (name: string) => kept[name] ?? null },
      setItem: { value: (name: string, text: string) => void Object.assign(kept, { [name]: text }) },
      removeItem: { value: (name: string) => void Reflect.deleteProperty(kept, name) },
    }) as Storage & Record<string, string>;
  }

  /** A journal whose page is gone before anything it began reaches the database. */
  function gone(held: Storage, entries: Omit<Entry, "tab">[]): void {
    vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => {
      throw new DOMException("gone", "AbortError");
    });
    const journal = new Journal("a", database, held);
    for (const entry of entries) journal.write(entry).catch(() => {});
    journal.hold();
  }

  /** After what `gone` began has failed. */
  const over = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    vi.restoreAllMocks();
  };

  test("leaves the text that was under way and the newest that waited for it", async () => {
    const held = storage();
    gone(held, [typed("one"), typed("one, two"), typed("other", { draft: OTHER_DRAFT })]);
    await over();
    expect(await read()).toEqual([]);
    const next = new Journal("a", database, held);
    expect(await next.read(DRAFT, "")).toEqual([{ ...typed("one, two"), tab: "a" }]);
    expect(contents(await next.read(OTHER_DRAFT, ""))).toEqual(["other"]);
    expect(Object.keys(held)).toEqual([]);
    expect(await read()).toEqual(["one, two"]);
  });

  test("is listed among the drafts that have something unsaved", async () => {
    const held = storage();
    gone(held, [typed("mine")]);
    await over();
    const drafts = await new Journal("b", database, held).drafts("");
    expect(drafts).toEqual([{ id: DRAFT, name: "Brief", at: 1_000, unsavedAt: 1_000 }]);
  });

  test("doesn't take back what was written after it came back", async () => {
    const held = storage();
    gone(held, [typed("before", { at: 1 })]);
    await over();
    await new Journal("a", database).write(typed("after", { at: 2 }));
    expect(contents(await new Journal("b", database, held).read(DRAFT, ""))).toEqual(["after"]);
    expect(Object.keys(held)).toEqual([]);
  });

  test("leaves nothing of a draft that is forgotten", async () => {
    const held = storage();
    gone(held, [typed("mine"), typed("other", { draft: OTHER_DRAFT })]);
    await over();
    const next = new Journal("b", database, held);
    await next.forget({ draft: DRAFT, tab: "a" });
    await next.forgetDraft(OTHER_DRAFT);
    expect(Object.keys(held)).toEqual([]);
    expect(await next.read(DRAFT, "")).toEqual([]);
    expect(await next.read(OTHER_DRAFT, "")).toEqual([]);
  });

  test("can't break the others' with what is no text", async () => {
    const held = storage();
    await new Journal("a", database).write(typed("mine"));
    held.setItem(`journal:${database} ${DRAFT} b`, "{");
    held.setItem(`journal:${database} ${DRAFT} c`, '{"fields":{}}');
    expect(contents(await new Journal("b", database, held).read(DRAFT, ""))).toEqual(["mine"]);
    expect(Object.keys(held)).toEqual([]);
  });
});

describe("forgetting", () => {
  test("one tab's text leaves the other's", async () => {
    const [a, b] = [new Journal("a", database), new Journal("b", database)];
    await a.write(typed("of a"));
    await b.write(typed("of b"));
    await b.forget({ draft: DRAFT, tab: "a" });
    expect(await read()).toEqual(["of b"]);
  });

  test("a draft leaves other drafts", async () => {
    const [a, b] = [new Journal("a", database), new Journal("b", database)];
    await a.write(typed("of a"));
    await b.write(typed("of b"));
    await b.write(typed("another", { draft: OTHER_DRAFT }));
    await a.forgetDraft(DRAFT);
    expect(await read()).toEqual([]);
    expect(contents(await a.read(OTHER_DRAFT, ""))).toEqual(["another"]);
  });

  test("and writing again finds text and base", async () => {
    const journal = new Journal("a", database);
    const entry = typed("one");
    await journal.write(entry);
    await journal.forget({ draft: DRAFT, tab: "a" });
    await journal.write({ ...entry, fields: { ...entry.fields, content: "two" } });
    expect(await read()).toEqual(["two"]);
  });
});

test("the drafts that can be read are listed, with the newest text of each that the server lacks", async () => {
  const [a, b] = [new Journal("a", database), new Journal("b", database)];
  await a.write(typed("older", { at: 5 }));
  await b.write(typed("newer", { at: 9 }));
  await a.write(typed("saved", { draft: OTHER_DRAFT, unsaved: false, at: 7 }));
  expect(await a.drafts("")).toMatchObject([
    { id: DRAFT, at: 9, unsavedAt: 9 },
    { id: OTHER_DRAFT, at: 7, unsavedAt: null },
  ]);
  await b.write(typed("newer, and saved", { unsaved: false, at: 11 }));
  expect(await a.drafts("")).toMatchObject([
    { id: DRAFT, at: 11, unsavedAt: 5 },
    { id: OTHER_DRAFT, at: 7, unsavedAt: null },
  ]);
});

test("tidying removes saved texts after a month and unsaved ones never", async () => {
  const [a, b, c] = ["a", "b", "c"].map((tab) => new Journal(tab, database)) as [Journal, Journal, Journal];
  await a.write(typed("unsaved, years old", { at: 0 }));
  await b.write(typed("saved, old", { at: 0, unsaved: false }));
  await c.write(typed("saved, recent", { at: 1_000 * DAY - 29 * DAY, unsaved: false }));
  await a.tidy(1_000 * DAY);
  expect((await read()).sort()).toEqual(["saved, recent", "unsaved, years old"]);
});

test("signing out removes what the server has of that person's, and nothing else", async () => {
  const [a, b, c] = ["a", "b", "c"].map((tab) => new Journal(tab, database)) as [Journal, Journal, Journal];
  await a.write(typed("Ada's, saved", { identity: "ada", unsaved: false }));
  await b.write(typed("Ada's, unsaved", { identity: "ada" }));
  await c.write(typed("Bob's, saved", { identity: "bob", unsaved: false }));
  await a.forgetSaved("ada");
  const contents = async (who: string): Promise<string[]> =>
    (await a.read(DRAFT, who)).map((entry) => entry.fields.content);
  expect(await contents("ada")).toEqual(["Ada's, unsaved"]);
  expect(await contents("bob")).toEqual(["Bob's, saved"]);
});

describe("a storage that fails", () => {
  test("rejects the write, so that the page can say so", async () => {
    // Another version of the page has a newer database: this one can't open it.
    (await openDB(database, 2)).close();
    const journal = new Journal("a", database);
    await expect(journal.write(typed("mine"))).rejects.toThrow();
    await expect(journal.write(typed("mine again"))).rejects.toThrow();
    await expect(journal.read(DRAFT, "")).rejects.toThrow();
  });

  test("once rejects that write only", async () => {
    const journal = new Journal("a", database);
    await journal.write(typed("one"));
    const put = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementationOnce(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    await expect(journal.write(typed("two"))).rejects.toThrow("full");
    put.mockRestore();
    await journal.write(typed("three"));
    expect(await read()).toEqual(["three"]);
  });

  test("for one draft stores the other's, and tells only the one", async () => {
    const journal = new Journal("a", database);
    const held = journal.write(typed("one"));
    const original = IDBObjectStore.prototype.put;
    const put = vi.spyOn(IDBObjectStore.prototype, "put");
    put.mockImplementation(function (this: IDBObjectStore, ...all: [unknown, IDBValidKey?]) {
      if ((all[0] as Entry).fields?.content === "two") throw new DOMException("full", "QuotaExceededError");
      return original.apply(this, all);
    });
    const two = journal.write(typed("two"));
    const other = journal.write(typed("other", { draft: OTHER_DRAFT }));
    await Promise.allSettled([held, two, other]);
    put.mockRestore();
    await expect(two).rejects.toThrow("full");
    await expect(other).resolves.toBeUndefined();
    expect(contents(await journal.read(OTHER_DRAFT, ""))).toEqual(["other"]);
  });

  test("a moment ago doesn't keep a newer text from being stored", async () => {
    const journal = new Journal("a", database);
    vi.spyOn(IDBObjectStore.prototype, "put").mockImplementationOnce(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    const one = journal.write(typed("one"));
    const two = journal.write(typed("two"));
    await Promise.allSettled([one, two]);
    vi.restoreAllMocks();
    await expect(two).resolves.toBeUndefined();
    expect(await read()).toEqual(["two"]);
  });
});
