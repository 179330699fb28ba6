/** How the workshop is used: totals, days, and the prompts that others build on. */

import { useLoad } from "../parts/load";
import { Failed, Working } from "../parts/notice";
import { Plot } from "../parts/plot";
import { go, query } from "../parts/router";
import { COUNT, decimal, few, MONEY, percent, shortDay, TIME, type Unit } from "../rules/figures";
import { promptPath } from "../rules/library";
import { count, dollars, duration, number } from "../rules/when";
import { getMetrics, type Metrics } from "../server";
import { Page } from "../shell";
import "../styles/dashboard.css";

const PERIODS = [7, 30, 90];
const PERIOD = 30;

type Day = Metrics["days"][number];
type Totals = Metrics["totals"];

/** What is plotted and listed by day. */
const SERIES: {
  title: string;
  unit: Unit;
  of: (day: Day) => number | null;
  total: (all: Totals) => string;
}[] = [
  {
    title: "Sessions started",
    unit: COUNT,
    of: (day) => day.workshops_started,
    total: (all) => number(all.workshops_started),
  },
  { title: "Tests", unit: COUNT, of: (day) => day.tests_started, total: (all) => number(all.tests_started) },
  {
    title: "Mean run time",
    unit: TIME,
    of: meanRun,
    total: (all) => (all.mean_test_ms == null ? "none" : duration(all.mean_test_ms)),
  },
  {
    title: "Failed tests",
    unit: COUNT,
    of: (day) => day.tests_failed,
    total: (all) => number(all.tests_failed),
  },
  {
    title: "Commits",
    unit: COUNT,
    of: (day) => day.drafts_committed,
    total: (all) => number(all.drafts_committed),
  },
  { title: "Clones", unit: COUNT, of: (day) => day.clones, total: (all) => number(all.clones) },
  {
    title: "Tokens",
    unit: COUNT,
    of: (day) => day.tokens_in + day.tokens_out,
    total: (all) => number(all.tokens_in + all.tokens_out),
  },
  { title: "Cost", unit: MONEY, of: (day) => day.cost_micros, total: (all) => dollars(all.cost_micros) },
  { title: "Time spent", unit: TIME, of: (day) => day.work_ms, total: (all) => duration(all.work_ms) },
];

function meanRun(day: Day): number | null {
  const ended = day.tests_succeeded + day.tests_failed + day.tests_cancelled;
  return ended === 0 ? null : day.test_ms / ended;
}

export function Dashboard() {
  const asked = Number(query.value.get("days"));
  const days = PERIODS.includes(asked) ? asked : PERIOD;
  const loaded = useLoad(() => getMetrics(days), [days]);
  const metrics = loaded.data.value;
  return (
    <Page
      title="Dashboard"
      lead="How everyone here uses the workshop. These are counts, by day in UTC; nothing that anyone wrote is in them."
    >
      <div class="dashboard">
        <fieldset class="row periods">
          <legend class="visually-hidden">Period</legend>
          {PERIODS.map((period) => (
            <label key={period}>
              <input
                type="radio"
                name="days"
                checked={period === days}
                onChange={() => go(`/dashboard?days=${period}`, { replace: true })}
              />
              {period} days
            </label>
          ))}
          {loaded.loading.value && <Working>Loading the figures</Working>}
        </fieldset>
        {loaded.error.value !== undefined && <Failed error={loaded.error.value} retry={loaded.reload} />}
        {metrics && <Figures metrics={metrics} />}
      </div>
    </Page>
  );
}

function Figures({ metrics }: { metrics: Metrics }) {
  const { days, totals } = metrics;
  const quiet = SERIES.every((one) => days.every((day) => !one.of(day)));
  return (
    <>
      {quiet ? (
        <div class="empty">
          <h2>Nothing happened in these {days.length} days</h2>
          <p>
            The figures begin with the first draft: sessions started, tests and how long they take, what is
            committed and cloned, tokens and cost.
          </p>
          <a class="button" href="/">
            Start a draft
          </a>
        </div>
      ) : (
        <>
          <section aria-label={`Totals of ${days.length} days`}>
            <Sums totals={totals} />
          </section>
          <section aria-labelledby="days-heading">
            <h2 id="days-heading">By day</h2>
            <div class="plots">
              {SERIES.map((one) => (
                <Plot
                  key={one.title}
                  title={one.title}
                  total={one.total(totals)}
                  unit={one.unit}
                  days={days.map((day) => ({ date: day.date, value: one.of(day) }))}
                />
              ))}
            </div>
            <Table days={days} />
          </section>
        </>
      )}
      <MostCloned prompts={metrics.most_cloned} />
    </>
  );
}

function Sums({ totals: all }: { totals: Totals }) {
  const ended = all.tests_succeeded + all.tests_failed + all.tests_cancelled;
  const failed = percent(all.tests_failed, ended);
  const sums: { name: string; value: string; more: string }[] = [
    { name: "Sessions started", value: number(all.workshops_started), more: count(all.messages, "message") },
    {
      name: "Tests",
      value: number(all.tests_started),
      more: all.tests_per_draft == null ? "" : `${decimal(all.tests_per_draft)} for each draft begun`,
    },
    {
      name: "Commits",
      value: number(all.drafts_committed),
      // A draft can be committed again and again, so this is no share of drafts.
      more:
        all.commit_share == null ? "" : `${number(Math.round(100 * all.commit_share))} for 100 drafts begun`,
    },
    {
      name: "Mean run time",
      value: all.mean_test_ms == null ? "none" : duration(all.mean_test_ms),
      more: ended === 0 ? "no test has ended" : `of ${count(ended, "test")} that ended`,
    },
    {
      name: "Failed tests",
      value: number(all.tests_failed),
      more: [
        failed && `${failed} of those that ended`,
        all.tests_cancelled && `${number(all.tests_cancelled)} cancelled`,
      ]
        .filter(Boolean)
        .join("; "),
    },
    {
      name: "Tokens",
      value: few(all.tokens_in + all.tokens_out),
      more: `${few(all.tokens_in)} read, ${few(all.tokens_out)} written`,
    },
    {
      name: "Cost",
      value: dollars(all.cost_micros),
      more: all.cost_micros === 0 && all.tokens_in > 0 ? "of models without a price" : "",
    },
    { name: "Time spent", value: duration(all.work_ms), more: "on drafts, without long pauses" },
  ];
  return (
    <dl class="sums">
      {sums.map((sum) => (
        <div key={sum.name}>
          <dt>{sum.name}</dt>
          <dd class="number">{sum.value}</dd>
          {sum.more !== "" && <dd class="quiet small number">{sum.more}</dd>}
        </div>
      ))}
    </dl>
  );
}

/** The same numbers for those who can't see plots, or want to copy them. */
function Table({ days }: { days: readonly Day[] }) {
  return (
    <details class="as-table">
      <summary>The same as a table</summary>
      <section class="scroll" aria-label="Figures by day" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Day</th>
              {SERIES.map((one) => (
                <th key={one.title} scope="col" class="figure">
                  {one.title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {[...days].reverse().map((day) => (
              <tr key={day.date}>
                <th scope="row">
                  <time dateTime={day.date}>{shortDay(day.date)}</time>
                </th>
                {SERIES.map((one) => {
                  const value = one.of(day);
                  return (
                    <td key={one.title} class="figure">
                      {value === null ? "–" : one.unit.full(value)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}

function MostCloned({ prompts }: { prompts: Metrics["most_cloned"] }) {
  return (
    <section aria-labelledby="cloned-heading">
      <h2 id="cloned-heading">Most cloned prompts, ever</h2>
      {prompts.length === 0 ? (
        <p class="quiet">
          No prompt was cloned so far. <a href="/library">The library</a> has them to read and to clone.
        </p>
      ) : (
        <ol class="most-cloned">
          {prompts.map((prompt) => (
            <li key={prompt.name}>
              <a href={promptPath(prompt.name)}>{prompt.title}</a>
              <span class="quiet number">{count(prompt.clone_count, "clone")}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
