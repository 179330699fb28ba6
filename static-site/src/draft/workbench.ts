/** A world for a draft's session, for tests: a server in memory, a clock moved by hand, tabs that crash. */
import "fake-indexeddb/auto";
import { Journal } from "../keep/journal";
import { CONTENT_MAX, length } from "../rules/text";
import { type Draft, type Edit, Refused, Unreachable } from "../server";
import { DraftSession } from "./session";

/** What goes wrong with a request. */
export type Fault =
  /** It doesn't arrive. */
  | "unreached"
  /** It is carried out, and the answer doesn't arrive. */
  | "lost"
  | { status: number; code?: string; retryAfter?: number };

export function refused(
  status: number,
  code: string,
  more: { current?: Draft; retryAfter?: number } = {},
): Refused {
  const problem = {
    type: `urn:prompt-workshop:problem:${code}`,
    title: code,
    status,
    detail: `Refused: ${code}.`,
    instance: "1",
    errors: [],
    ...(more.current ? { current: more.current } : {}),
  };
  return new Refused(problem, more.retryAfter);
}

/** One draft on a server that behaves as the workshop's does. */
export class Server {
  draft: Draft | null;
  /** What happens to the next requests, one each; after those all is well. */
  faults: Fault[] = [];
  isDown = false;
  /** Requests wait for this before their answer goes out. */
  gate: Promise<void> = Promise.resolve();
  readonly edits: Edit[] = [];
  asked = 0;

  constructor(id: string, content: string) {
    this.draft = {
      id,
      user_id: "local",
      draft_name: "Brief",
      draft_description: "",
      draft_content: content,
      content_length: content.length,
      status: "draft",
      revision: 1,
      test_count: 0,
      workshop_chat_id: id,
      created_at: "2026-05-03T12:00:00Z",
      updated_at: "2026-05-03T12:00:00Z",
      expires_at: "2026-06-02T12:00:00Z",
    };
  }

  get content(): string {
    return this.draft?.draft_content ?? "";
  }

  readonly get = (): Promise<Draft> => this.#answer(() => this.#there());

  readonly save = (_: string, edit: Edit, revision: number) =>
    this.#answer(() => {
      this.edits.push(edit);
      const draft = this.#there();
      if (length(edit.draft_content ?? "") > CONTENT_MAX) throw refused(422, "invalid");
      if (draft.revision !== revision) throw refused(412, "stale-revision", { current: draft });
      this.apply(edit);
      const { revision: next, updated_at, expires_at } = this.#there();
      return { revision: next, updated_at, expires_at, message: "Saved.", status: this.#there().status };
    });

  /** A save by someone else. */
  apply(edit: Edit): void {
    const draft = this.#there();
    const isOpened =
      draft.status === "committed" && (edit.draft_content ?? draft.draft_content) !== draft.draft_content;
    this.draft = {
      ...draft,
      ...edit,
      status: edit.status ?? (isOpened ? "draft" : draft.status),
      revision: draft.revision + 1,
      updated_at: `2026-05-03T12:00:${String(draft.revision % 60).padStart(2, "0")}Z`,
    };
  }

  #there(): Draft {
    if (!this.draft) throw refused(404, "not-found");
    return { ...this.draft };
  }

  async #answer<T>(act: () => T): Promise<T> {
    this.asked += 1;
    const fault = this.isDown ? "unreached" : this.faults.shift();
    if (fault === "unreached") throw new Unreachable();
    if (typeof fault === "object") {
      const { status, code = "unavailable", retryAfter } = fault;
      throw refused(status, code, retryAfter === undefined ? {} : { retryAfter });
    }
    try {
      return act();
    } finally {
      await this.gate;
      // biome-ignore lint/correctness/noUnsafeFinally: an answer that is lost is lost, whatever it was.
      if (fault === "lost") throw new Unreachable();
    }
  }
}

/** Enough turns of the event loop for everything to be done that waits for nothing else. */
export async function done(): Promise<void> {
  for (let turn = 0; turn < 25; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export class Bench {
  now = Date.parse("2026-05-03T13:00:00Z");
  readonly server: Server;
  readonly living = new Set<string>();
  readonly sessions = new Map<string, DraftSession>();
  readonly #id: string;
  readonly #database: string;
  #timers: { at: number; tab: string; act: () => void }[] = [];
  /** Tabs that crashed: nothing of theirs reaches the storage or the server any more. */
  readonly #worlds = new Map<string, { isDead: boolean }>();

  constructor(id: string, content: string, database = id) {
    this.#id = id;
    this.#database = database;
    this.server = new Server(id, content);
  }

  journal(tab: string): Journal {
    return new Journal(tab, this.#database);
  }

  /** Opens the draft in a tab; a crashed tab's id is that of a reload. */
  async open(tab = "a", identity = ""): Promise<DraftSession> {
    const world = { isDead: false };
    this.#worlds.set(tab, world);
    this.living.add(tab);
    const journal = this.journal(tab);
    const never = new Promise<never>(() => {});
    const session = new DraftSession(this.#id, {
      drafts: {
        get: (id) => (world.isDead ? never : this.#alive(world, this.server.get(), id)),
        save: (id, edit, revision) =>
          world.isDead ? never : this.#alive(world, this.server.save(id, edit, revision), id),
      },
      journal: {
        tab,
        write: (entry) => (world.isDead ? never : journal.write(entry)),
        read: (draft, who) => journal.read(draft, who),
        forget: (entry) => (world.isDead ? never : journal.forget(entry)),
      },
      livingTabs: async () => new Set(this.living),
      identity: () => identity,
      now: () => this.now,
      later: (ms, act) => {
        const timer = { at: this.now + ms, tab, act: () => (world.isDead ? undefined : act()) };
        this.#timers.push(timer);
        return () => {
          this.#timers = this.#timers.filter((each) => each !== timer);
        };
      },
      announce: (_, revision) => {
        for (const [other, each] of this.sessions) if (other !== tab) each.heard(revision);
      },
    });
    this.sessions.set(tab, session);
    void session.open();
    await done();
    return session;
  }

  async #alive<T>(world: { isDead: boolean }, answer: Promise<T>, _: string): Promise<T> {
    try {
      return await answer;
    } finally {
      if (world.isDead) await new Promise<never>(() => {});
    }
  }

  /** The tab is no more, without a word. What its journal had begun to write is written. */
  async crash(tab = "a"): Promise<void> {
    await done();
    const world = this.#worlds.get(tab);
    if (world) world.isDead = true;
    this.living.delete(tab);
    this.sessions.delete(tab);
    this.#timers = this.#timers.filter((timer) => timer.tab !== tab);
  }

  /** Moves the clock; what is due happens at its time. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.now = Math.max(this.now, due.at);
      due.act();
      await done();
    }
    this.now = end;
    await done();
  }
}
