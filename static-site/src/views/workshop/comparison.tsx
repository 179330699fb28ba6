/** Two runs side by side: what each was asked, what it answered, and how their prompts differ. */
import { useEffect, useRef } from "preact/hooks";
import type { Runs } from "../../draft/runs";
import { DiffView } from "../../parts/diff-view";
import { Markdown } from "../../parts/markdown";
import { Failed, Working } from "../../parts/notice";
import { Thinking } from "../../parts/thinking";
import { cut, standing } from "../../rules/endings";
import { dollars, duration, exact, number } from "../../rules/when";
import type { Checks, FullRun } from "../../server";
import { useWatched } from "./watched";

export function Comparison({
  runs,
  first,
  second,
  onClose,
}: {
  runs: Runs;
  first: string;
  second: string;
  onClose: () => void;
}) {
  const [left, right] = [useWatched(runs, first), useWatched(runs, second)];
  const back = useRef<HTMLButtonElement>(null);
  useEffect(() => back.current?.focus(), []);
  const [a, b] = [left?.run.value, right?.run.value];
  const error = left?.error.value ?? right?.error.value;
  return (
    <div class="history-tab">
      <button type="button" class="plain back" ref={back} onClick={onClose}>
        ← All runs
      </button>
      {error !== undefined && <Failed error={error} />}
      {!(a && b) && error === undefined && <Working />}
      {a && b && <Compared a={older(a, b)} b={newer(a, b)} />}
    </div>
  );
}

const older = (a: FullRun, b: FullRun): FullRun => (a.created_at <= b.created_at ? a : b);
const newer = (a: FullRun, b: FullRun): FullRun => (a.created_at <= b.created_at ? b : a);

/** A figure of what the answer was checked for; a dash where there was none to check. */
const checked =
  (of: (checks: Checks) => number) =>
  (run: FullRun): string =>
    run.checks ? number(of(run.checks)) : "–";

function Compared({ a, b }: { a: FullRun; b: FullRun }) {
  const rows: [label: string, of: (run: FullRun) => string][] = [
    ["Question", (run) => run.test_query],
    ["Topic", (run) => run.topic],
    ["Model", (run) => run.model],
    ["State", (run) => standing(run).words],
    ["Rating", (run) => (run.user_rating ? `${run.user_rating} of 5` : "not rated")],
    ["Notes", (run) => run.notes ?? ""],
    ["Time", (run) => (run.execution_time_ms ? duration(run.execution_time_ms) : "–")],
    ["Tokens in, out", (run) => `${number(run.tokens_in)}, ${number(run.tokens_out)}`],
    ["Cost", (run) => dollars(run.cost_micros)],
    [
      "Articles cited",
      (run) => `${run.articles.filter((article) => article.cited).length} of ${run.articles.length}`,
    ],
    ["Citations", checked((checks) => checks.citations)],
    ["Outlets cited", checked((checks) => checks.sources_cited)],
    ["Invented links", checked((checks) => checks.invented_total)],
    ["Uncited numbers", checked((checks) => checks.uncited_numbers_total)],
    ["Words", checked((checks) => checks.words)],
    ["Tool calls", (run) => number(run.tool_calls?.length ?? 0)],
  ];
  return (
    <div class="comparison">
      <section class="scroll-x" tabIndex={0} aria-label="Figures of both runs">
        <table>
          <thead>
            <tr>
              <td />
              <th scope="col">{exact(a.created_at)}</th>
              <th scope="col">{exact(b.created_at)}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([label, of]) => (
              <tr key={label} class={of(a) === of(b) ? "quiet" : ""}>
                <th scope="row">{label}</th>
                <td>{of(a)}</td>
                <td>{of(b)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <div class="columns">
        {[a, b].map((run) => (
          <section
            key={run.test_id}
            aria-label={`${run === a ? "Older" : "Newer"} answer, of ${exact(run.created_at)}`}
          >
            <h3>{run === a ? "Older answer" : "Newer answer"}</h3>
            <Thinking text={run.thinking} />
            {run.full_response === "" ? (
              <p class="quiet">{run.error ?? "There is no answer."}</p>
            ) : (
              <>
                <Markdown text={run.full_response} />
                {run.truncated && <p class="quiet small">{cut(run)}</p>}
              </>
            )}
          </section>
        ))}
      </div>
      <section>
        <h3>What changed in the prompt</h3>
        <DiffView before={a.prompt_text} after={b.prompt_text} />
      </section>
    </div>
  );
}
