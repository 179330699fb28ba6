/** Every run of the draft, newest first; one opened, or two side by side. */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Runs } from "../../draft/runs";
import type { DraftSession } from "../../draft/session";
import { Failed } from "../../parts/notice";
import { LitStars } from "../../parts/stars";
import { VirtualList } from "../../parts/virtual-list";
import { ago, count, duration, exact, number } from "../../rules/when";
import type { Run, RunState } from "../../server";
import { Comparison } from "./comparison";
import { RunView, StateOf } from "./run-view";
import { useWatched } from "./watched";

/** In pixels; the same as in the style sheet. */
const ROW_HEIGHT = 68;
/** While a filter shows fewer than this, older runs are looked through. */
const FILL = 20;

/** A run whose answer counts and was cut is none that is done. */
type Shown = RunState | "cut" | "";
const shownAs = (run: Run): Shown => (run.status === "succeeded" && run.truncated ? "cut" : run.status);

type Rating = "" | "none" | "1" | "2" | "3" | "4" | "5";

export function HistoryTab({ session, runs }: { session: DraftSession; runs: Runs }) {
  const rating = useSignal<Rating>("");
  const state = useSignal<Shown>("");
  const opened = useSignal<string | null>(null);
  const chosen = useSignal<string[]>([]);
  const isComparing = useSignal(false);
  const shown = useComputed(() =>
    runs.list.value.filter(
      (run) =>
        (state.value === "" || shownAs(run) === state.value) &&
        (rating.value === "" ||
          (rating.value === "none" ? null : Number(rating.value)) === (run.user_rating ?? null)),
    ),
  );
  const isFiltered = rating.value !== "" || state.value !== "";
  const hasMore = runs.cursor.value !== null;

  // A filter that shows little looks further back by itself.
  useEffect(() => {
    if (hasMore && !runs.isLoading.value && runs.error.value === undefined && shown.value.length < FILL)
      void runs.more();
  }, [shown.value, hasMore, runs.isLoading.value]);

  if (isComparing.value && chosen.value.length === 2) {
    const [first = "", second = ""] = chosen.value;
    return (
      <Comparison
        runs={runs}
        first={first}
        second={second}
        onClose={() => {
          isComparing.value = false;
          comesBack(second);
        }}
      />
    );
  }
  if (opened.value !== null) {
    const id = opened.value;
    const close = (): void => {
      opened.value = null;
      comesBack(id);
    };
    return <Opened runs={runs} session={session} id={id} onClose={close} />;
  }
  if (runs.list.value.length === 0 && runs.cursor.value === null) {
    return (
      <div class="empty history-tab">
        <h3>No test yet</h3>
        <p>
          Every test of this draft is listed here, with the text it ran, so that you see what a change did.
        </p>
      </div>
    );
  }
  return (
    <div class="history-tab">
      <div class="filters">
        <div class="field">
          <label for="by-state">State</label>
          <select
            id="by-state"
            value={state.value}
            onChange={(event) => (state.value = event.currentTarget.value as Shown)}
          >
            <option value="">All</option>
            <option value="succeeded">Done</option>
            <option value="cut">Cut off</option>
            <option value="failed">Failed</option>
            <option value="cancelled">Cancelled</option>
            <option value="running">Running</option>
            <option value="queued">Waiting</option>
          </select>
        </div>
        <div class="field">
          <label for="by-rating">Rating</label>
          <select
            id="by-rating"
            value={rating.value}
            onChange={(event) => (rating.value = event.currentTarget.value as Rating)}
          >
            <option value="">All</option>
            <option value="none">Not rated</option>
            {["5", "4", "3", "2", "1"].map((stars) => (
              <option key={stars} value={stars}>
                {stars} of 5
              </option>
            ))}
          </select>
        </div>
        <button
          type="button"
          disabled={chosen.value.length !== 2}
          onClick={() => {
            isComparing.value = true;
          }}
        >
          {chosen.value.length === 2
            ? "Compare the two"
            : `Choose ${count(2 - chosen.value.length, "run")} to compare`}
        </button>
        <span class="quiet small number" role="status">
          {isFiltered
            ? `${number(shown.value.length)} of ${number(runs.list.value.length)} looked at`
            : runs.total.value === null
              ? ""
              : count(runs.total.value, "run")}
          {runs.isLoading.value && ", loading more"}
        </span>
      </div>
      {runs.error.value !== undefined && <Failed error={runs.error.value} retry={() => void runs.more()} />}
      {isFiltered && shown.value.length === 0 && !hasMore && (
        <p class="quiet">No run of this draft is like that.</p>
      )}
      <VirtualList
        label="Test runs, newest first"
        items={shown.value}
        total={isFiltered ? undefined : (runs.total.value ?? undefined)}
        rowHeight={ROW_HEIGHT}
        keyOf={(run) => run.test_id}
        onNearEnd={() => {
          if (runs.error.value === undefined) void runs.more();
        }}
        row={(run) => (
          <Row
            run={run}
            isChosen={chosen.value.includes(run.test_id)}
            onChoose={() => {
              chosen.value = chosen.value.includes(run.test_id)
                ? chosen.value.filter((id) => id !== run.test_id)
                : [...chosen.value, run.test_id].slice(-2);
            }}
            onOpen={() => {
              opened.value = run.test_id;
            }}
          />
        )}
      />
    </div>
  );
}

/** Back in the list, the focus is on the run one comes from, or on the list's first filter. */
function comesBack(id: string): void {
  requestAnimationFrame(() =>
    (document.getElementById(`run-${id}`) ?? document.getElementById("by-state"))?.focus(),
  );
}

function Row({
  run,
  isChosen,
  onChoose,
  onOpen,
}: {
  run: Run;
  isChosen: boolean;
  onChoose: () => void;
  onOpen: () => void;
}) {
  return (
    <div class="history-row">
      <input
        type="checkbox"
        checked={isChosen}
        onChange={onChoose}
        aria-label={`Compare: ${run.test_query}`}
      />
      <button type="button" class="link query" id={`run-${run.test_id}`} onClick={onOpen}>
        {run.test_query}
      </button>
      <span class="stars-of">{run.user_rating ? <LitStars value={run.user_rating} /> : null}</span>
      <span class="facts small quiet">
        <StateOf run={run} />
        <time dateTime={run.created_at} title={exact(run.created_at)}>
          {ago(run.created_at, Date.now())}
        </time>
        <span>{run.topic}</span>
        <span>{run.model}</span>
        <span>rev {run.draft_revision}</span>
        {run.execution_time_ms ? <span class="number">{duration(run.execution_time_ms)}</span> : null}
      </span>
    </div>
  );
}

function Opened({
  runs,
  session,
  id,
  onClose,
}: {
  runs: Runs;
  session: DraftSession;
  id: string;
  onClose: () => void;
}) {
  const watched = useWatched(runs, id);
  const back = useRef<HTMLButtonElement>(null);
  useEffect(() => back.current?.focus(), []);
  return (
    <div class="history-tab">
      <button type="button" class="plain back" ref={back} onClick={onClose}>
        ← All runs
      </button>
      {watched && <RunView watched={watched} runs={runs} session={session} />}
    </div>
  );
}
