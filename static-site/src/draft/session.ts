/**
 * A draft being edited: what the server has, what the person made of it, and
 * how the one becomes the other without losing a word.
 *
 * Every change goes to the journal at once and to the server two seconds after
 * the last one. A save names the revision it was made from; when someone else
 * was first, both texts are merged against that revision, and the person is
 * asked only where both changed the same lines.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Entry, Fields, Journal } from "../keep/journal";
import { type Choice, merge, mergeValue, type Part, text as textOf } from "../rules/merge";
import { CONTENT_MAX, DESCRIPTION_MAX, length, NAME_LENGTH, oneLine, withoutControls } from "../rules/text";
import { type Draft, type DraftStatus, type Edit, Refused, sentence, Unreachable } from "../server";

/** The server's part in it. */
export interface Drafts {
  get(id: string): Promise<Draft>;
  save(
    id: string,
    edit: Edit,
    revision: number,
  ): Promise<{ revision: number; status: DraftStatus; updated_at: string; expires_at: string }>;
}

/** Everything a session needs of the world. */
export interface World {
  drafts: Drafts;
  journal: Pick<Journal, "tab" | "write" | "read" | "forget">;
  livingTabs(): Promise<Set<string>>;
  identity(): string;
  now(): number;
  /** Runs `act` after `ms`; returns what prevents it. */
  later(ms: number, act: () => void): () => void;
  /** Tells the other tabs that a draft was saved. */
  announce(id: string, revision: number): void;
}

/** Whether what is on screen is safe, and where. */
export type SaveState =
  | { is: "saved"; at: number }
  /** Changed a moment ago; it is about to be saved. */
  | { is: "edited" }
  | { is: "saving" }
  /** The server doesn't answer; tried again at `retryAt`. */
  | { is: "offline"; retryAt: number | null }
  /** The server, or a rule, refused it; tried again at `retryAt`, or when it was changed. */
  | { is: "failed"; why: string; retryAt: number | null }
  /** The sign-in has ended: everything waits until the person has signed in again. */
  | { is: "signed-out" }
  /** Someone else changed the same lines; the person has to choose. */
  | { is: "conflict" }
  /** The draft isn't there any more. */
  | { is: "gone" };

/** Two texts that a person has to choose between, in places. */
export interface Conflict {
  parts: Part[];
  /** Whose text is on the other side. */
  other: "saved" | "left-behind";
  /** When the other text was made. */
  at: number;
  settle(text: string): void;
}

export type Opening = { is: "opening" } | { is: "open" } | { is: "failed"; error: unknown } | { is: "gone" };

const RESTORED = "Text that had not been saved was restored from this browser.";
const AUTOSAVE_MS = 2_000;
/** Someone who never pauses is saved this often. */
const AUTOSAVE_AT_MOST_MS = 15_000;
const RETRY_FIRST_MS = 2_000;
const RETRY_LONGEST_MS = 60_000;
/** After so many failures in a row it waits for a change, the network, or the button. */
const RETRIES = 20;
/** Merging with someone who saves faster than we do ends here, and starts again after a pause. */
const MERGES = 5;

export class DraftSession {
  readonly id: string;
  readonly opening: Signal<Opening> = signal({ is: "opening" });
  readonly content: Signal<string> = signal("");
  readonly name: Signal<string> = signal("");
  readonly description: Signal<string> = signal("");
  readonly save: Signal<SaveState> = signal({ is: "saved", at: 0 });
  /** False when the browser's storage refused the newest text: it is on screen only. */
  readonly isKept: Signal<boolean> = signal(true);
  readonly conflict: Signal<Conflict | null> = signal(null);
  /** What was done to the text that the person didn't do: said until it is put away. */
  readonly notice: Signal<string | null> = signal(null);

  readonly #base: Signal<Draft | null> = signal(null);
  readonly #chosen: Signal<DraftStatus | null> = signal(null);
  readonly #world: World;
  readonly #leftBehind: Entry[] = [];
  /** Saves from the present base of which no answer came: any of them may have been applied. */
  #unanswered: Edit[] = [];
  #saving: Promise<void> | null = null;
  #cancelTimer: () => void = () => {};
  #firstEdit: number | null = null;
  #failures = 0;
  #closed = false;

  constructor(id: string, world: World) {
    this.id = id;
    this.#world = world;
  }

  /** The draft as the server last said it is. */
  get base(): ReadonlySignal<Draft | null> {
    return this.#base;
  }

  readonly status: ReadonlySignal<DraftStatus> = computed(
    () => this.#chosen.value ?? this.#base.value?.status ?? "draft",
  );

  /** What is wrong with a field, which then waits while the others are saved. */
  readonly problems: ReadonlySignal<Partial<Record<"content" | "name" | "description", string>>> = computed(
    () => {
      const found: Partial<Record<"content" | "name" | "description", string>> = {};
      const name = length(this.name.value.trim());
      if (name < NAME_LENGTH[0]) found.name = `A name needs at least ${NAME_LENGTH[0]} characters.`;
      if (name > NAME_LENGTH[1]) found.name = `A name has at most ${NAME_LENGTH[1]} characters.`;
      if (length(this.description.value.trim()) > DESCRIPTION_MAX) {
        found.description = `A description has at most ${DESCRIPTION_MAX} characters.`;
      }
      const content = length(this.content.value);
      if (content > CONTENT_MAX) {
        const over = new Intl.NumberFormat().format(content - CONTENT_MAX);
        found.content = `The text is ${over} characters longer than a draft can be.`;
      }
      return found;
    },
  );

  // Opening

  /** Shows the draft: the server's, with whatever this browser has that the server lacks. */
  async open(): Promise<void> {
    this.opening.value = { is: "opening" };
    const [kept, asked] = await Promise.all([
      this.#world.journal.read(this.id, this.#world.identity()).catch((): Entry[] => []),
      this.#world.drafts.get(this.id).catch((error: unknown) => error),
    ]);
    const entries = await this.#mine(kept);
    if (this.#closed) return;
    const unsaved = entries.filter((entry) => entry.unsaved);
    // This tab's own text first: the journal goes on with that one's record.
    const own = unsaved.find((entry) => entry.tab === this.#world.journal.tab);
    if (isDraft(asked)) {
      this.#leftBehind.push(...unsaved.filter((entry) => entry !== own));
      this.#show(own?.fields ?? fieldsOf(asked), own?.base ?? asked);
      this.save.value = { is: "saved", at: Date.parse(asked.updated_at) };
      this.opening.value = { is: "open" };
      if (!own) this.#restore();
      else if (this.#takeIn(asked)) {
        if (this.content.value !== fieldsOf(asked).content) this.notice.value = RESTORED;
        this.#restore();
      }
      return;
    }
    const newest = own ?? unsaved[0] ?? entries[0];
    const gone = asked instanceof Refused && asked.status === 404;
    if (!newest || (gone && !newest.unsaved)) {
      this.opening.value = gone ? { is: "gone" } : { is: "failed", error: asked };
      return;
    }
    this.#show(newest.fields, newest.base);
    this.#leftBehind.push(...unsaved.filter((entry) => entry !== newest));
    this.opening.value = { is: "open" };
    void this.#takeOver(newest);
    this.#failed(asked);
  }

  /** This tab's text and that of tabs which are no more. */
  async #mine(entries: Entry[]): Promise<Entry[]> {
    const alive = await this.#world.livingTabs().catch(() => new Set<string>());
    return entries.filter((entry) => entry.tab === this.#world.journal.tab || !alive.has(entry.tab));
  }

  /** Takes over the next text that was left behind; the others after it. */
  #restore(): void {
    const entry = this.#leftBehind.shift();
    if (!entry) {
      this.#changed();
      return;
    }
    const mine = entry.fields;
    const base = fieldsOf(entry.base);
    const here = this.#fields();
    const parts = merge(base.content, mine.content, here.content);
    const settle = (content: string): void => {
      const isNews = content !== here.content;
      batch(() => {
        this.conflict.value = null;
        this.content.value = content;
        this.name.value = mergeValue(base.name, mine.name, this.name.value);
        this.description.value = mergeValue(base.description, mine.description, this.description.value);
        if (mine.status) this.#chosen.value = mine.status;
        if (isNews) this.notice.value = RESTORED;
        // No longer a conflict's: what is next says what holds.
        this.save.value = { is: "edited" };
      });
      void this.#takeOver(entry);
      this.#restore();
    };
    const merged = textOf(parts);
    if (merged === null) this.#ask({ parts, other: "saved", at: Date.parse(this.#revised()), settle });
    else settle(merged);
  }

  /** Keeps a text that another tab left behind as this tab's; only then is that tab's forgotten. */
  async #takeOver(entry: Entry): Promise<void> {
    if (!entry.unsaved || entry.tab === this.#world.journal.tab || !(await this.#keep())) return;
    await this.#world.journal.forget(entry).catch(() => {});
  }

  #revised(): string {
    return this.#base.value?.updated_at ?? "";
  }

  #ask(conflict: Conflict): void {
    this.#cancelTimer();
    batch(() => {
      this.conflict.value = conflict;
      this.save.value = { is: "conflict" };
    });
    this.#keep();
  }

  /** Decides a conflict. Nothing happens while a place is undecided. */
  choose(choices: (Choice | undefined)[]): boolean {
    const conflict = this.conflict.value;
    const content = conflict && textOf(conflict.parts, choices);
    if (!conflict || content === null) return false;
    conflict.settle(content);
    return true;
  }

  // Editing

  /** A change by the person. */
  edit(change: Partial<Omit<Fields, "status">> & { status?: DraftStatus }): void {
    batch(() => {
      // While two texts wait for a choice there is no third one: it would go under in what is chosen.
      if (change.content !== undefined && !this.conflict.value) {
        this.content.value = withoutControls(change.content);
      }
      if (change.name !== undefined) this.name.value = oneLine(change.name);
      if (change.description !== undefined) this.description.value = oneLine(change.description);
      if (change.status !== undefined) this.#chosen.value = change.status;
    });
    this.#changed();
  }

  #changed(): void {
    this.#keep();
    if (this.conflict.value || this.save.value.is === "gone" || this.save.value.is === "signed-out") return;
    // Text that was sent without an answer may be on the server: then that has to be undone there.
    if (!this.#isChanged() && this.#unanswered.length === 0) {
      this.#cancelTimer();
      this.#firstEdit = null;
      if (this.save.value.is !== "saving") {
        this.save.value = { is: "saved", at: Date.parse(this.#revised()) };
      }
      return;
    }
    // What failed is tried again at its own time; a keystroke doesn't hurry it.
    if ("retryAt" in this.save.value && this.save.value.retryAt !== null) return;
    const now = this.#world.now();
    this.#firstEdit ??= now;
    if (this.save.value.is !== "saving") this.save.value = { is: "edited" };
    const wait = Math.min(AUTOSAVE_MS, this.#firstEdit + AUTOSAVE_AT_MOST_MS - now);
    this.#schedule(Math.max(0, wait));
  }

  #schedule(ms: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#world.later(ms, () => void this.saveNow());
  }

  #fields(): Fields {
    return {
      content: this.content.peek(),
      name: this.name.peek(),
      description: this.description.peek(),
      status: this.#chosen.peek(),
    };
  }

  /** What the server lacks; fields with a problem wait. */
  #edit(): Edit {
    const base = this.#base.peek();
    if (!base) return {};
    const problems = this.problems.peek();
    const fields = this.#fields();
    const edit: Edit = {};
    if (fields.content !== base.draft_content && !problems.content) edit.draft_content = fields.content;
    if (fields.name.trim() !== base.draft_name && !problems.name) edit.draft_name = fields.name.trim();
    if (fields.description.trim() !== base.draft_description && !problems.description) {
      edit.draft_description = fields.description.trim();
    }
    if (fields.status && fields.status !== base.status) edit.status = fields.status;
    return edit;
  }

  /** Whether anything differs from what the server has, sendable or not. */
  #isChanged(): boolean {
    const base = this.#base.peek();
    if (!base) return false;
    const fields = this.#fields();
    return (
      fields.content !== base.draft_content ||
      fields.name.trim() !== base.draft_name ||
      fields.description.trim() !== base.draft_description ||
      (fields.status !== null && fields.status !== base.status)
    );
  }

  /** Keeps what is on screen in the browser's storage. False when that refuses it. */
  keep(): Promise<boolean> {
    return this.#keep();
  }

  async #keep(): Promise<boolean> {
    const base = this.#base.peek();
    if (!base) return false;
    const entry = {
      draft: this.id,
      identity: this.#world.identity(),
      base,
      fields: this.#fields(),
      unsaved: this.#isChanged() || this.conflict.peek() !== null,
      at: this.#world.now(),
    };
    try {
      await this.#world.journal.write(entry);
      this.isKept.value = true;
    } catch {
      this.isKept.value = false;
    }
    return this.isKept.value;
  }

  // Saving

  /** Saves now what the server lacks. True when it then has everything. */
  async saveNow(): Promise<boolean> {
    this.#cancelTimer();
    if (this.opening.value.is !== "open" || this.conflict.value || this.save.value.is === "gone")
      return false;
    // A save under way may not have the newest words: wait for it, then look again.
    while (this.#saving) await this.#saving;
    if (this.conflict.value) return false;
    if (this.#isChanged() || this.save.value.is !== "saved") {
      this.#saving = this.#saveAll().finally(() => {
        this.#saving = null;
      });
      await this.#saving;
    }
    return this.save.value.is === "saved" && !this.#isChanged();
  }

  async #saveAll(): Promise<void> {
    this.#firstEdit = null;
    for (let merges = 0; merges < MERGES; merges += 1) {
      const base = this.#base.value;
      if (!base) return;
      const edit = this.#edit();
      try {
        if (Object.keys(edit).length === 0) {
          // Also how an unreachable server is asked whether it is back.
          const { is } = this.save.value;
          if (is === "offline" || is === "failed" || this.#unanswered.length > 0) {
            if (!this.#takeIn(await this.#world.drafts.get(this.id))) return;
            if (Object.keys(this.#edit()).length > 0) continue;
          }
          this.#settled();
          return;
        }
        this.save.value = { is: "saving" };
        this.#unanswered.push(edit);
        const answer = await this.#world.drafts.save(this.id, edit, base.revision);
        this.#saved(base, edit, answer);
        this.#settled();
        return;
      } catch (error) {
        if (error instanceof Refused && error.status < 500)
          this.#unanswered = without(this.#unanswered, edit);
        const current = error instanceof Refused && error.code === "stale-revision" && error.problem.current;
        if (!isDraft(current)) {
          this.#failed(error);
          return;
        }
        if (!this.#takeIn(current)) return;
      }
    }
    this.#retry({ is: "failed", why: "This draft is being saved elsewhere very often.", retryAt: null });
  }

  #saved(
    base: Draft,
    edit: Edit,
    answer: { revision: number; status: DraftStatus; updated_at: string; expires_at: string },
  ): void {
    const { revision, status, updated_at, expires_at } = answer;
    this.#unanswered = [];
    batch(() => {
      // The status may be another than was sent: an edited committed draft is a draft again.
      this.#base.value = { ...base, ...edit, revision, status, updated_at, expires_at };
      if (this.#chosen.value === status) this.#chosen.value = null;
    });
    this.#world.announce(this.id, answer.revision);
  }

  /** After an exchange with the server that went well. */
  #settled(): void {
    this.#failures = 0;
    if (this.#leftBehind.length > 0) {
      // The draft was opened without a server: other tabs' texts come in now.
      this.save.value = { is: "edited" };
      this.#restore();
      return;
    }
    const [problem] = Object.values(this.problems.value);
    if (Object.keys(this.#edit()).length > 0) {
      // Typed while the save was under way.
      this.save.value = { is: "edited" };
      this.#changed();
      return;
    }
    this.save.value = problem
      ? { is: "failed", why: problem, retryAt: null }
      : { is: "saved", at: this.#world.now() };
    this.#keep();
  }

  /**
   * Takes in the server's newer draft, merged with what was typed here. False
   * when a person has to choose first.
   */
  #takeIn(current: Draft): boolean {
    const theirs = fieldsOf(current);
    const base = this.#origin(theirs);
    const mine = this.#fields();
    const parts = merge(base.content, mine.content, theirs.content);
    const settle = (content: string): void => {
      const theirsIsNews = theirs.content !== base.content && theirs.content !== mine.content;
      // The name and the description could be edited while the conflict was shown.
      const { name, description } = this.#fields();
      this.#unanswered = [];
      batch(() => {
        this.conflict.value = null;
        this.#base.value = normal(current);
        this.content.value = content;
        this.name.value = mergeValue(base.name, name.trim() === base.name ? base.name : name, theirs.name);
        this.description.value = mergeValue(
          base.description,
          description.trim() === base.description ? base.description : description,
          theirs.description,
        );
        if (this.#chosen.value === current.status) this.#chosen.value = null;
        if (theirsIsNews) this.notice.value = "Changes that were saved elsewhere are in the text now.";
        const other = overruled(base, { name: name.trim(), description: description.trim() }, theirs);
        if (other !== null) this.notice.value = other;
      });
    };
    const merged = textOf(parts);
    if (merged !== null) {
      settle(merged);
      return true;
    }
    this.#ask({
      parts,
      other: "saved",
      at: Date.parse(current.updated_at),
      settle: (content) => {
        settle(content);
        this.save.value = { is: "edited" };
        this.#restore();
        void this.saveNow();
      },
    });
    return false;
  }

  /**
   * What the text here was made from, to merge it with what the server has now:
   * where that is what was sent from here without an answer, it is that.
   */
  #origin(theirs: Fields): Fields {
    const base = this.#base.value;
    if (!base) return theirs;
    const origin = fieldsOf(base);
    for (const sent of this.#unanswered) {
      if (sent.draft_content === theirs.content) origin.content = theirs.content;
      if (sent.draft_name === theirs.name) origin.name = theirs.name;
      if (sent.draft_description === theirs.description) origin.description = theirs.description;
    }
    return origin;
  }

  #failed(error: unknown): void {
    if (error instanceof Refused && error.status === 404) {
      this.save.value = { is: "gone" };
      this.#keep();
    } else if (error instanceof Refused && error.code === "sign-in-ended") {
      this.save.value = { is: "signed-out" };
    } else if (error instanceof Refused && !error.passes) {
      this.save.value = { is: "failed", why: sentence(error), retryAt: null };
    } else if (error instanceof Refused) {
      this.#retry({ is: "failed", why: error.problem.detail, retryAt: null }, error.retryAfter);
    } else if (error instanceof Unreachable) {
      this.#retry({ is: "offline", retryAt: null });
    } else {
      this.#retry({ is: "failed", why: sentence(error), retryAt: null });
    }
  }

  #retry(state: Extract<SaveState, { retryAt: number | null }>, seconds?: number): void {
    this.#failures += 1;
    if (this.#failures > RETRIES || this.#closed) {
      this.save.value = state;
      return;
    }
    const backoff = Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** Math.min(this.#failures - 1, 10));
    const wait = Math.max(backoff, (seconds ?? 0) * 1_000);
    this.save.value = { ...state, retryAt: this.#world.now() + wait };
    this.#schedule(wait);
  }

  // What happens outside

  /** The network or the person is back: what waits is tried at once. */
  wake(): void {
    if (this.opening.value.is === "failed") {
      void this.open();
      return;
    }
    if (this.save.value.is !== "offline" && this.save.value.is !== "failed") return;
    this.#failures = 0;
    void this.saveNow();
  }

  /** Looks what the server has, unless there is something here to be saved: the save will look. */
  async refresh(): Promise<void> {
    if (this.opening.value.is !== "open" || this.save.value.is !== "saved" || this.#saving) return;
    try {
      const current = await this.#world.drafts.get(this.id);
      const base = this.#base.value;
      if (!base || current.revision < base.revision || this.#saving || this.save.value.is !== "saved") return;
      if (this.#takeIn(current)) this.#changed();
    } catch (error) {
      if (error instanceof Refused && error.status === 404) this.#failed(error);
    }
  }

  /** Another tab saved this draft. */
  heard(revision: number): void {
    if (revision > (this.#base.value?.revision ?? 0)) void this.refresh();
  }

  /**
   * The view is left: what is unsaved is sent, and stays in the journal until it
   * was. Resolves when that has been tried.
   */
  async close(): Promise<void> {
    const tried = this.saveNow();
    this.#closed = true;
    this.#cancelTimer();
    await tried;
  }

  /** The view is back before the last save was over. */
  reopen(): void {
    this.#closed = false;
    this.#failures = 0;
    void (this.save.value.is === "saved" ? this.refresh() : this.saveNow());
  }

  #show(fields: Fields, base: Draft): void {
    batch(() => {
      this.#base.value = normal(base);
      this.content.value = fields.content;
      this.name.value = fields.name;
      this.description.value = fields.description;
      this.#chosen.value = fields.status;
    });
  }
}

/** A name or a description that someone else changed as well: mine stands, and theirs is said. */
function overruled(
  base: Pick<Fields, "name" | "description">,
  mine: Pick<Fields, "name" | "description">,
  theirs: Pick<Fields, "name" | "description">,
): string | null {
  const said = (["name", "description"] as const)
    .filter((field) => new Set([base[field], mine[field], theirs[field]]).size === 3)
    .map((field) => `The ${field} was changed elsewhere too, to “${theirs[field]}”; yours stands.`);
  return said.length === 0 ? null : said.join(" ");
}

const without = <T>(list: T[], item: T): T[] => list.filter((each) => each !== item);

const isDraft = (value: unknown): value is Draft =>
  typeof value === "object" && value !== null && "draft_content" in value && "revision" in value;

/** The editor knows one kind of line break. A text that came with others is theirs, not a change. */
const normal = (draft: Draft): Draft => ({
  ...draft,
  draft_content: draft.draft_content.replace(/\r\n?/g, "\n"),
});

function fieldsOf(draft: Draft): Fields {
  return {
    content: normal(draft).draft_content,
    name: draft.draft_name,
    description: draft.draft_description,
    status: null,
  };
}
