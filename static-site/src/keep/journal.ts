/**
 * The journal: every draft's text as it stands in each tab, kept in the
 * browser's IndexedDB from the moment it is typed until the server has it, and
 * beyond that for reading it without a network.
 *
 * A record belongs to one tab, so that two tabs never write over each other's
 * words. What a closed or crashed tab left behind is found by the next one.
 * The text and what it was made from are stored apart: a keystroke writes the
 * first only.
 *
 * A page that goes away takes its unfinished writes with it. What they were to
 * write goes to the browser's other storage then (`hold`), which is written in
 * the same step, and from there into the journal by whoever reads it next.
 */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Draft, DraftStatus } from "../server";

/** What a person can change of a draft. */
export interface Fields {
  content: string;
  name: string;
  description: string;
  /** A status the person chose and the server doesn't have yet. */
  status: DraftStatus | null;
}

/** A draft's text in one tab. */
export interface Entry {
  draft: string;
  tab: string;
  /** Who typed it (see identity.ts): nobody else is shown it. */
  identity: string;
  /** The draft of the server's that the text was made from. */
  base: Draft;
  fields: Fields;
  /** Whether the server lacks something of it. */
  unsaved: boolean;
  /** When it was written, in milliseconds. */
  at: number;
}

/** A draft of which this browser has the text. */
export interface KeptDraft {
  id: string;
  name: string;
  at: number;
  /** When the newest text was typed that the server lacks; null when it has everything. */
  unsavedAt: number | null;
}

type Typed = Omit<Entry, "base"> & { key: string };

interface Schema extends DBSchema {
  typed: { key: string; value: Typed; indexes: { draft: string } };
  bases: { key: string; value: Draft };
}

/** What everything was saved of is kept this long, for reading offline. */
const SAVED_KEPT_MS = 30 * 24 * 3_600_000;

const HELD = "journal:";

const keyOf = (entry: { draft: string; tab: string }): string => `${entry.draft} ${entry.tab}`;

/** What was held, unless it was cut off or is somebody else's. */
function parsed(held: string): Entry | undefined {
  try {
    const entry: Entry = JSON.parse(held);
    return typeof entry.fields.content === "string" ? entry : undefined;
  } catch {
    return undefined;
  }
}

export class Journal {
  readonly tab: string;
  #database: Promise<IDBPDatabase<Schema>>;
  #bases = new Map<string, Draft>();
  #waiting = new Map<string, Entry>();
  /** The texts that are being written. */
  #begun = new Map<string, Entry>();
  #held: Storage | undefined;
  #holds: string;
  /** Ends with the drafts whose newest text could not be stored. */
  #writing: Promise<Map<string, unknown>> | null = null;

  /** `held` is a storage whose writes are done when they return, of the same browser. */
  constructor(tab: string, name = "workshop", held?: Storage) {
    this.tab = tab;
    this.#held = held;
    this.#holds = `${HELD}${name} `;
    this.#database = openDB<Schema>(name, 1, {
      upgrade(database) {
        database.createObjectStore("typed", { keyPath: "key" }).createIndex("draft", "draft");
        database.createObjectStore("bases");
      },
    });
    // Whoever reads or writes hears of it; here it only must not go unhandled.
    this.#database.catch(() => {});
  }

  /**
   * Keeps this tab's text of a draft. Resolves when it is in the browser's
   * storage and rejects when it can't be. While one write is under way only the
   * newest text waits for the next: it contains the ones before.
   */
  async write(entry: Omit<Entry, "tab">): Promise<void> {
    this.#waiting.set(entry.draft, { ...entry, tab: this.tab });
    this.#writing ??= this.#drain();
    const failed = await this.#writing;
    if (failed.has(entry.draft)) throw failed.get(entry.draft);
  }

  async #drain(): Promise<Map<string, unknown>> {
    const failed = new Map<string, unknown>();
    while (this.#waiting.size > 0) {
      const entries = [...this.#waiting.values()];
      this.#waiting.clear();
      for (const entry of entries) {
        this.#begun.set(entry.draft, entry);
        try {
          await this.#put(entry);
          failed.delete(entry.draft);
        } catch (error) {
          failed.set(entry.draft, error);
        }
        this.#begun.delete(entry.draft);
      }
    }
    // In the same step as the last look: what is written after it begins anew.
    this.#writing = null;
    return failed;
  }

  async #put(entry: Entry): Promise<void> {
    const { base, ...typed } = entry;
    const key = keyOf(entry);
    const database = await this.#database;
    const transaction = database.transaction(["typed", "bases"], "readwrite");
    const writes: Promise<unknown>[] = [transaction.objectStore("typed").put({ ...typed, key })];
    if (this.#bases.get(key) !== base) writes.push(transaction.objectStore("bases").put(base, key));
    // Not left to happen by itself: that takes one more turn of this page, which may be going away.
    transaction.commit();
    await Promise.all([...writes, transaction.done]);
    this.#bases.set(key, base);
  }

  /** Keeps what is not written yet, at once: this page is going away. */
  hold(): void {
    for (const entry of new Map([...this.#begun, ...this.#waiting]).values()) {
      try {
        this.#held?.setItem(this.#holds + keyOf(entry), JSON.stringify(entry));
      } catch {
        // That storage is full or off. The write that was begun may still be done.
      }
    }
  }

  /** Takes in what pages held when they went away, unless a later text was written since. */
  async #takeIn(): Promise<void> {
    const keys = Object.keys(this.#held ?? {}).filter((key) => key.startsWith(this.#holds));
    for (const key of keys) {
      const held = this.#held?.getItem(key);
      if (!held) continue;
      const entry = parsed(held);
      const written = entry && (await (await this.#database).get("typed", keyOf(entry)));
      if (entry && (!written || written.at <= entry.at)) await this.#put(entry);
      // Unless its page came back, and went away again.
      if (this.#held?.getItem(key) === held) this.#held.removeItem(key);
    }
  }

  /** Every tab's text of a draft, the newest first. */
  async read(draft: string, identity: string): Promise<Entry[]> {
    await this.#takeIn();
    const database = await this.#database;
    const transaction = database.transaction(["typed", "bases"]);
    const entries: Entry[] = [];
    for (const { key, ...typed } of await transaction.objectStore("typed").index("draft").getAll(draft)) {
      const base = await transaction.objectStore("bases").get(key);
      if (base && typed.identity === identity) entries.push({ ...typed, base });
    }
    return entries.sort((a, b) => b.at - a.at);
  }

  /** Removes one tab's text of a draft: the server or another record has it. */
  async forget(entry: { draft: string; tab: string }): Promise<void> {
    this.#held?.removeItem(this.#holds + keyOf(entry));
    const database = await this.#database;
    const transaction = database.transaction(["typed", "bases"], "readwrite");
    await Promise.all([
      transaction.objectStore("typed").delete(keyOf(entry)),
      transaction.objectStore("bases").delete(keyOf(entry)),
      transaction.done,
    ]);
    this.#bases.delete(keyOf(entry));
  }

  /** Removes all texts of a draft that its user deleted. */
  async forgetDraft(draft: string): Promise<void> {
    this.#waiting.delete(draft);
    await this.#takeIn();
    const database = await this.#database;
    const keys = await database.getAllKeysFromIndex("typed", "draft", draft);
    for (const key of keys) await this.forget({ draft, tab: key.slice(draft.length + 1) });
  }

  /** The drafts that can be read here without a server, the newest first. */
  async drafts(identity: string): Promise<KeptDraft[]> {
    await this.#takeIn();
    const database = await this.#database;
    const found = new Map<string, KeptDraft>();
    for (const entry of await database.getAll("typed")) {
      if (entry.identity !== identity) continue;
      const known = found.get(entry.draft);
      const newest = known && known.at > entry.at ? known : { name: entry.fields.name, at: entry.at };
      const unsavedAt = entry.unsaved
        ? Math.max(entry.at, known?.unsavedAt ?? 0)
        : (known?.unsavedAt ?? null);
      found.set(entry.draft, { id: entry.draft, name: newest.name, at: newest.at, unsavedAt });
    }
    return [...found.values()].sort((a, b) => b.at - a.at);
  }

  /** Removes the saved texts of someone who signs out. What the server lacks waits for them. */
  async forgetSaved(identity: string): Promise<void> {
    const database = await this.#database;
    for (const entry of await database.getAll("typed")) {
      if (!entry.unsaved && entry.identity === identity) await this.forget(entry);
    }
  }

  /** Removes saved texts that nobody opened for a month. Unsaved ones are never removed. */
  async tidy(now: number): Promise<void> {
    const database = await this.#database;
    for (const entry of await database.getAll("typed")) {
      if (!entry.unsaved && now - entry.at > SAVED_KEPT_MS) await this.forget(entry);
    }
  }
}
