/** The user's drafts as the server lists them, and deleting one with a way back. */
import { batch, type Signal, signal } from "@preact/signals";
import { type DraftStatus, type DraftSummary, deleteDraft, listDrafts } from "../server";
import { journal } from "./world";

const PAGE = 50;

export class DraftList {
  readonly list: Signal<DraftSummary[]> = signal([]);
  readonly total: Signal<number | null> = signal(null);
  readonly isLoading: Signal<boolean> = signal(true);
  readonly error: Signal<unknown> = signal(undefined);
  /** Null when everything is loaded, undefined before the first page. */
  readonly cursor: Signal<string | null | undefined> = signal(undefined);
  #status: DraftStatus | "" = "";
  #turn = 0;
  /** Deleted on screen, and on the server when there is no way back any more. */
  readonly #leaving = new Map<string, DraftSummary>();
  readonly #onHide = (): void => {
    for (const draft of this.#leaving.values()) void this.deleteNow(draft, true).catch(() => {});
  };

  constructor() {
    addEventListener("pagehide", this.#onHide);
  }

  /** Lists anew, those of one status or all. */
  async restart(status: DraftStatus | ""): Promise<void> {
    this.#turn += 1;
    this.#status = status;
    batch(() => {
      this.list.value = [];
      this.total.value = null;
      this.cursor.value = undefined;
      this.isLoading.value = false;
    });
    await this.more();
  }

  /** Loads the next page. */
  async more(): Promise<void> {
    if (this.isLoading.value || this.cursor.value === null) return;
    const turn = this.#turn;
    batch(() => {
      this.isLoading.value = true;
      this.error.value = undefined;
    });
    try {
      const page = await listDrafts({ status: this.#status, limit: PAGE, cursor: this.cursor.value ?? null });
      if (turn !== this.#turn) return;
      batch(() => {
        const known = new Set([...this.list.value.map((draft) => draft.id), ...this.#leaving.keys()]);
        this.list.value = [...this.list.value, ...page.drafts.filter((draft) => !known.has(draft.id))];
        this.total.value = page.total;
        this.cursor.value = page.next_cursor ?? null;
      });
    } catch (error) {
      if (turn === this.#turn) this.error.value = error;
    } finally {
      if (turn === this.#turn) this.isLoading.value = false;
    }
  }

  /** Takes a draft off the screen; the server is told by `deleteNow`. */
  remove(draft: DraftSummary): void {
    this.#leaving.set(draft.id, draft);
    this.list.value = this.list.value.filter((each) => each.id !== draft.id);
    if (this.total.value !== null) this.total.value -= 1;
  }

  bringBack(draft: DraftSummary): void {
    if (!this.#leaving.delete(draft.id)) return;
    this.list.value = [...this.list.value, draft].sort((a, b) => b.updated_at.localeCompare(a.updated_at));
    if (this.total.value !== null) this.total.value += 1;
  }

  /** Deletes it. When that fails it is shown again, and the error is the caller's to tell. */
  async deleteNow(draft: DraftSummary, isLeaving = false): Promise<void> {
    if (!this.#leaving.has(draft.id)) return;
    try {
      await deleteDraft(draft.id, isLeaving);
      this.#leaving.delete(draft.id);
      await (await journal).forgetDraft(draft.id).catch(() => {});
    } catch (error) {
      this.bringBack(draft);
      throw error;
    }
  }

  /** The view is left: what was deleted on screen is deleted. */
  close(): void {
    this.#turn += 1;
    if (this.#leaving.size === 0) removeEventListener("pagehide", this.#onHide);
  }
}
