/** The test runs of a draft: their list, and one that is watched while it is carried out. */
import { batch, type Signal, signal } from "@preact/signals";
import { whenVisible } from "../parts/visible";
import {
  cancelRun,
  type FullRun,
  getRun,
  listRuns,
  newKey,
  type Order,
  Refused,
  type Run,
  rateRun,
  startRun,
} from "../server";

const PAGE = 100;
const POLL_MS = 1_000;
const POLL_SLOWEST_MS = 10_000;
/** Failed looks in a row after which a person has to ask again. */
const POLL_FAILURES = 20;

export const isOver = (run: Run): boolean => !["queued", "running"].includes(run.status);

export class Runs {
  readonly draft: string;
  /** Newest first. */
  readonly list: Signal<Run[]> = signal([]);
  readonly total: Signal<number | null> = signal(null);
  readonly isLoading: Signal<boolean> = signal(false);
  readonly error: Signal<unknown> = signal(undefined);
  /** Null when everything is loaded, undefined before the first page. */
  readonly cursor: Signal<string | null | undefined> = signal(undefined);
  #start: { order: string; key: string } | null = null;

  constructor(draft: string) {
    this.draft = draft;
  }

  /** Loads the next page, the first one first. */
  async more(): Promise<void> {
    if (this.isLoading.value || this.cursor.value === null) return;
    this.isLoading.value = true;
    try {
      const page = await listRuns(this.draft, PAGE, this.cursor.value);
      batch(() => {
        const known = new Set(this.list.value.map((run) => run.test_id));
        this.list.value = [...this.list.value, ...page.test_results.filter((run) => !known.has(run.test_id))];
        this.total.value = page.total_tests;
        this.cursor.value = page.next_cursor ?? null;
        this.error.value = undefined;
      });
    } catch (error) {
      this.error.value = error;
    } finally {
      this.isLoading.value = false;
    }
  }

  /** A run's newest state, put into the list. */
  put(run: Run): void {
    const at = this.list.value.findIndex((known) => known.test_id === run.test_id);
    if (at >= 0) this.list.value = this.list.value.with(at, run);
    else {
      this.list.value = [run, ...this.list.value];
      if (this.total.value !== null) this.total.value += 1;
    }
  }

  /** Starts a run. The same order tried again after no answer is the same run. */
  async start(order: Order): Promise<Run> {
    const text = JSON.stringify(order);
    if (this.#start?.order !== text) this.#start = { order: text, key: newKey() };
    try {
      const run = await startRun(this.draft, order, this.#start.key);
      this.#start = null;
      this.put(run);
      return run;
    } catch (error) {
      if (error instanceof Refused) this.#start = null;
      throw error;
    }
  }

  async rate(run: string, verdict: Verdict): Promise<Run> {
    const rated = await rateRun(this.draft, run, verdict);
    this.put(rated);
    return rated;
  }

  async cancel(run: string): Promise<void> {
    await cancelRun(this.draft, run);
  }
}

/** What a person thinks of a run: what is absent stays as it is. */
export interface Verdict {
  user_rating?: number | null;
  notes?: string | null;
}

/** One run, looked at until it is over. */
export class Watched {
  readonly id: string;
  readonly run: Signal<FullRun | null> = signal(null);
  readonly error: Signal<unknown> = signal(undefined);
  /** False when nobody looks any more although the run isn't over. */
  readonly isWatched: Signal<boolean> = signal(true);
  readonly #runs: Runs;
  #closed = false;
  #tag: string | undefined;
  #unsaved: Verdict | undefined;
  #saving: Promise<void> | undefined;

  constructor(runs: Runs, id: string) {
    this.#runs = runs;
    this.id = id;
    void this.watch();
  }

  async watch(): Promise<void> {
    this.isWatched.value = true;
    let failures = 0;
    while (!this.#closed && failures < POLL_FAILURES) {
      await whenVisible();
      try {
        await this.look();
        failures = 0;
      } catch (error) {
        failures += 1;
        this.error.value = error;
        if (error instanceof Refused && !error.passes) break;
      }
      const run = this.run.value;
      if (run && isOver(run) && failures === 0) return;
      await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_SLOWEST_MS, POLL_MS * 2 ** failures)));
    }
    this.isWatched.value = false;
  }

  async look(): Promise<void> {
    const found = await getRun(this.#runs.draft, this.id, this.#tag);
    this.error.value = undefined;
    if (!found || this.#closed) return;
    this.#tag = found.tag;
    this.run.value = found.run;
    const { full_response: _, prompt_text: _text, articles: _articles, ...rest } = found.run;
    const { tool_calls: _calls, checks: _checks, thinking: _thinking, ...summary } = rest;
    this.#runs.put(summary);
  }

  /** Saves one verdict after the other: of two on their way at once, the older could arrive last and stay. */
  async rate(verdict: Verdict): Promise<void> {
    this.#unsaved = { ...this.#unsaved, ...verdict };
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined;
    });
    return this.#saving;
  }

  async #save(): Promise<void> {
    while (this.#unsaved) {
      const verdict = this.#unsaved;
      this.#unsaved = undefined;
      try {
        const rated = await this.#runs.rate(this.id, verdict);
        if (this.run.value) this.run.value = { ...this.run.value, ...rated };
      } catch (failure) {
        // A newer verdict that waits is tried together with it. Without one, the view keeps it and offers to retry.
        if (!this.#unsaved) throw failure;
        this.#unsaved = { ...verdict, ...(this.#unsaved as Verdict) };
      }
    }
  }

  close(): void {
    this.#closed = true;
  }
}
