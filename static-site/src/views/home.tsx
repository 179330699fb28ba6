/** The user's drafts, and the ways to begin a new one. */
import { useComputed, useSignal } from "@preact/signals";
import { Plus, Trash2 } from "lucide-preact";
import { useEffect, useMemo } from "preact/hooks";
import { DraftList } from "../draft/list";
import { journal } from "../draft/world";
import type { KeptDraft } from "../keep/journal";
import { Failed, Working } from "../parts/notice";
import { say } from "../parts/toasts";
import { ago, count, daysUntil, exact, number, until } from "../rules/when";
import { type DraftStatus, type DraftSummary, identity } from "../server";
import { Page } from "../shell";
import { Start } from "./start";
import "../styles/home.css";

const EXPIRY_WARNING_DAYS = 7;

type Order = "changed" | "name" | "tests" | "expires";

const STATUS: Record<DraftStatus, string> = {
  draft: "Draft",
  testing: "Testing",
  ready: "Ready",
  committed: "Committed",
};

const ORDERS: Record<Order, (a: DraftSummary, b: DraftSummary) => number> = {
  changed: (a, b) => b.updated_at.localeCompare(a.updated_at),
  name: (a, b) => a.draft_name.localeCompare(b.draft_name),
  tests: (a, b) => b.test_count - a.test_count,
  expires: (a, b) => a.expires_at.localeCompare(b.expires_at),
};

export function Home() {
  const drafts = useMemo(() => new DraftList(), [identity.user()]);
  const search = useSignal("");
  const status = useSignal<DraftStatus | "">("");
  const order = useSignal<Order>("changed");
  const isStarting = useSignal(false);
  const kept = useSignal<KeptDraft[]>([]);

  useEffect(() => {
    void drafts.restart(status.value);
    return () => drafts.close();
  }, [drafts, status.value]);
  useEffect(() => {
    void journal
      .then((texts) => texts.drafts(identity.user()))
      .then((found) => {
        kept.value = found;
      })
      .catch(() => {});
  }, []);

  const shown = useComputed(() => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    return drafts.list.value
      .filter((draft) => {
        const text =
          `${draft.draft_name} ${draft.draft_description} ${draft.parent_prompt_name ?? ""}`.toLowerCase();
        return words.every((word) => text.includes(word));
      })
      .sort(ORDERS[order.value]);
  });
  const isSifted = search.value.trim() !== "" || order.value !== "changed";
  const hasMore = drafts.cursor.value !== null;
  // Searching and sorting are of all drafts: the rest is loaded for them.
  useEffect(() => {
    if (isSifted && hasMore && !drafts.isLoading.value && drafts.error.value === undefined)
      void drafts.more();
  }, [isSifted, hasMore, drafts.isLoading.value]);

  const isEmpty =
    drafts.list.value.length === 0 &&
    drafts.cursor.value === null &&
    status.value === "" &&
    !drafts.isLoading.value;
  if (isEmpty) return <Welcome />;

  const remove = (draft: DraftSummary): void => {
    drafts.remove(draft);
    say(
      `“${draft.draft_name}” is deleted, with its conversation and its tests.`,
      { label: "Undo", run: () => drafts.bringBack(draft) },
      () =>
        void drafts
          .deleteNow(draft)
          .catch(() => say(`“${draft.draft_name}” could not be deleted. It is still there.`)),
    );
  };

  return (
    <Page title="Drafts">
      <div class="sift">
        <div class="field search">
          <label for="search">Search</label>
          <input
            id="search"
            type="search"
            value={search.value}
            placeholder="Name, description or origin"
            onInput={(event) => {
              search.value = event.currentTarget.value;
            }}
          />
        </div>
        <div class="field">
          <label for="status">Status</label>
          <select
            id="status"
            value={status.value}
            onChange={(event) => {
              status.value = event.currentTarget.value as DraftStatus | "";
            }}
          >
            <option value="">All</option>
            {Object.entries(STATUS).map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </div>
        <div class="field">
          <label for="order">Sort by</label>
          <select
            id="order"
            value={order.value}
            onChange={(event) => {
              order.value = event.currentTarget.value as Order;
            }}
          >
            <option value="changed">Last change</option>
            <option value="name">Name</option>
            <option value="tests">Tests</option>
            <option value="expires">Expiry</option>
          </select>
        </div>
        <button
          type="button"
          class="primary"
          aria-expanded={isStarting.value}
          aria-controls="start"
          onClick={() => {
            isStarting.value = !isStarting.value;
          }}
        >
          <Plus class="icon" aria-hidden="true" />
          New draft
        </button>
      </div>
      <section id="start" hidden={!isStarting.value} aria-label="New draft">
        {isStarting.value && <Start />}
      </section>
      {drafts.error.value !== undefined && (
        <Failed error={drafts.error.value} retry={() => void drafts.more()} />
      )}
      {drafts.error.value !== undefined && drafts.list.value.length === 0 && kept.value.length > 0 && (
        <section aria-labelledby="kept">
          <h2 id="kept">Kept in this browser</h2>
          <ul>
            {kept.value.map((draft) => (
              <li key={draft.id}>
                <a href={`/prompt-workshop?draft_id=${draft.id}`}>{draft.name}</a>{" "}
                <span class="quiet small">
                  {draft.unsavedAt === null ? "" : "not saved yet, "}
                  {ago(draft.at, Date.now())}
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <p class="quiet small" role="status">
        {drafts.total.value === null
          ? ""
          : isSifted
            ? `${number(shown.value.length)} of ${count(drafts.total.value, "draft")}`
            : count(drafts.total.value, "draft")}
        {drafts.isLoading.value && drafts.list.value.length > 0 && ", loading more"}
      </p>
      {drafts.list.value.length === 0 && drafts.isLoading.value && <Working />}
      {shown.value.length > 0 && (
        <ul class="drafts">
          {shown.value.map((draft) => (
            <li key={draft.id}>
              <Row
                draft={draft}
                unsavedAt={kept.value.find((each) => each.id === draft.id)?.unsavedAt ?? undefined}
                onDelete={() => remove(draft)}
              />
            </li>
          ))}
        </ul>
      )}
      {shown.value.length === 0 && !drafts.isLoading.value && drafts.error.value === undefined && (
        <div class="empty">
          <h2>No draft is like that</h2>
          <p>Change the search or the status, or start a new one.</p>
        </div>
      )}
      {hasMore && !isSifted && (
        <p>
          <button type="button" aria-disabled={drafts.isLoading.value} onClick={() => void drafts.more()}>
            {drafts.isLoading.value ? "Loading…" : "Show more"}
          </button>
        </p>
      )}
    </Page>
  );
}

function Row({
  draft,
  unsavedAt,
  onDelete,
}: {
  draft: DraftSummary;
  unsavedAt: number | undefined;
  onDelete: () => void;
}) {
  const now = Date.now();
  const expiresSoon = daysUntil(draft.expires_at, now) < EXPIRY_WARNING_DAYS;
  return (
    <article class="draft-row" aria-label={draft.draft_name}>
      <div class="what">
        <a href={`/prompt-workshop?draft_id=${draft.id}`}>{draft.draft_name}</a>
        {draft.draft_description !== "" && <p class="quiet">{draft.draft_description}</p>}
        {unsavedAt !== undefined && (
          <p class="wrong">Text of {ago(unsavedAt, now)} is not saved yet; open the draft to save it.</p>
        )}
      </div>
      <span class="state">{STATUS[draft.status]}</span>
      <span class="pair number small quiet">
        <span>{count(draft.test_count, "test")}</span>
        <span>{count(draft.content_length, "character")}</span>
      </span>
      <span class="pair small quiet">
        <time dateTime={draft.updated_at} title={exact(draft.updated_at)}>
          {ago(draft.updated_at, now)}
        </time>
        <span class={expiresSoon ? "wrong" : ""} title={exact(draft.expires_at)}>
          expires {until(draft.expires_at, now)}
        </span>
      </span>
      <button type="button" class="plain" onClick={onDelete} aria-label={`Delete ${draft.draft_name}`}>
        <Trash2 class="icon" aria-hidden="true" />
        Delete
      </button>
    </article>
  );
}

/** Who comes for the first time is shown how it goes, and starts. */
function Welcome() {
  return (
    <Page
      title="Start a prompt"
      lead="Talk a need through with the assistant, draft the prompt it proposes, test it on real questions over news articles, and commit what works to the library."
    >
      <Start />
      <ol class="steps">
        <li>
          <h2>Describe</h2>
          <p>
            Say who reads the answers and what they need. The assistant asks, then proposes a whole prompt.
          </p>
        </li>
        <li>
          <h2>Draft</h2>
          <p>Take the proposal over, whole or change by change. Everything you type is saved by itself.</p>
        </li>
        <li>
          <h2>Test</h2>
          <p>
            Ask it questions over the sample articles or your own. Rate the answers; the assistant sees your
            notes.
          </p>
        </li>
        <li>
          <h2>Commit</h2>
          <p>Put what works into the library, as a version that never changes, for others to clone.</p>
        </li>
      </ol>
    </Page>
  );
}
