/** One test run: where it stands, the answer beside the prompt that produced it, its articles, its figures, its rating. */
import { useSignal } from "@preact/signals";
import { Copy, RotateCw, Square } from "lucide-preact";
import { useEffect } from "preact/hooks";
import { isOver, type Runs, type Watched } from "../../draft/runs";
import type { DraftSession } from "../../draft/session";
import { copy } from "../../parts/copy";
import { DiffSize, DiffView } from "../../parts/diff-view";
import { Markdown } from "../../parts/markdown";
import { Failed, Notice, Working } from "../../parts/notice";
import { Thinking } from "../../parts/thinking";
import { cut, standing } from "../../rules/endings";
import { toolName } from "../../rules/tools";
import { ago, count, date, dollars, duration, exact, number } from "../../rules/when";
import type { FullRun, Run } from "../../server";
import { Checked } from "./checked";
import { replaceText } from "./replace";
import { ToolCalls } from "./tool-calls";
import { Verdict } from "./verdict";

export function RunView({
  watched,
  runs,
  session,
  onAgain,
}: {
  watched: Watched;
  runs: Runs;
  session: DraftSession;
  onAgain?: (run: Run) => void;
}) {
  const run = watched.run.value;
  if (!run) {
    return watched.error.value === undefined ? (
      <Working />
    ) : (
      <Failed error={watched.error.value} retry={() => void watched.watch()} />
    );
  }
  return (
    <article class="run" aria-label="Test run">
      <Standing run={run} watched={watched} runs={runs} onAgain={onAgain} />
      <ToolCalls key={run.test_id} run={run} />
      <div class="columns">
        <section class="answer" aria-label="Answer" aria-busy={!isOver(run)}>
          <header>
            <h3>Answer</h3>
            {run.full_response !== "" && (
              <button type="button" class="plain small" onClick={() => void copy(run.full_response)}>
                <Copy class="icon" aria-hidden="true" />
                Copy
              </button>
            )}
          </header>
          <Thinking text={run.thinking} isGoing={!isOver(run) && run.full_response === ""} />
          <Answer run={run} />
        </section>
        <Ran run={run} session={session} />
      </div>
      {run.checks && <Checked checks={run.checks} />}
      {isOver(run) && <Verdict key={run.test_id} run={run} watched={watched} draft={session.id} />}
      <Articles run={run} />
      <Figures run={run} />
    </article>
  );
}

export function StateOf({ run }: { run: Run }) {
  const { mood, words } = standing(run);
  return <span class={`status ${mood}`}>{run.cancel_requested && !isOver(run) ? "Cancelling" : words}</span>;
}

function Standing({
  run,
  watched,
  runs,
  onAgain,
}: {
  run: FullRun;
  watched: Watched;
  runs: Runs;
  onAgain: ((run: Run) => void) | undefined;
}) {
  const error = useSignal<unknown>(undefined);
  const cancel = async (): Promise<void> => {
    error.value = undefined;
    try {
      await runs.cancel(run.test_id);
      await watched.look();
    } catch (failure) {
      error.value = failure;
    }
  };
  return (
    <header class="standing">
      <p class="query">{run.test_query}</p>
      <div class="row">
        <span role="status">
          <StateOf run={run} />
          {!isOver(run) && <Elapsed since={run.started_at ?? run.created_at} />}
        </span>
        <span class="quiet small">
          {run.topic} · {run.model} ·{" "}
          <time title={exact(run.created_at)}>{ago(run.created_at, Date.now())}</time>
        </span>
        {/* One button in one place: whoever cancels a run keeps the focus when it is over. */}
        {(!isOver(run) || onAgain) && (
          <button
            type="button"
            aria-disabled={!isOver(run) && run.cancel_requested}
            onClick={() => {
              if (isOver(run)) onAgain?.(run);
              else if (!run.cancel_requested) void cancel();
            }}
          >
            {isOver(run) ? (
              <RotateCw class="icon" aria-hidden="true" />
            ) : (
              <Square class="icon" aria-hidden="true" />
            )}
            {isOver(run) ? "Run again" : "Cancel"}
          </button>
        )}
      </div>
      {run.waiting_for && !isOver(run) && (
        <p class="quiet" role="status">
          {run.waiting_for}
        </p>
      )}
      {run.notice && <Notice>{run.notice}</Notice>}
      {run.error && (
        <Notice kind={run.status === "failed" ? "bad" : "warn"}>
          {run.error}{" "}
          {run.status === "failed" && run.full_response !== "" && "What was written until then is below."}
        </Notice>
      )}
      {error.value !== undefined && <Failed error={error.value} retry={() => void cancel()} />}
      {watched.error.value !== undefined && !isOver(run) && (
        <Notice
          kind="warn"
          actions={
            !watched.isWatched.value && (
              <button type="button" onClick={() => void watched.watch()}>
                Look again
              </button>
            )
          }
        >
          The server can't be asked how this run goes: it goes on without us, and its result is kept.
        </Notice>
      )}
    </header>
  );
}

function Elapsed({ since }: { since: string }) {
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      now.value = Date.now();
    }, 1_000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.round((now.value - Date.parse(since)) / 1_000));
  return (
    <span class="quiet number" aria-hidden="true">
      {" "}
      for {seconds} s
    </span>
  );
}

function Answer({ run }: { run: FullRun }) {
  if (run.full_response !== "") {
    return (
      <>
        <Markdown text={run.full_response} />
        {run.truncated && <p class="quiet small">{cut(run)}</p>}
      </>
    );
  }
  if (!isOver(run)) return <Working>{awaited(run)}</Working>;
  if (!run.store_full_response && run.response_preview !== "") {
    return (
      <>
        <Markdown text={run.response_preview} />
        <p class="quiet small">Only the beginning was kept, as this run was asked to.</p>
      </>
    );
  }
  return <p class="quiet">There is no answer.</p>;
}

function awaited(run: FullRun): string {
  if (run.status === "queued") return "Waiting for a worker";
  return run.tool_calls?.length ? "Looking for articles" : "Waiting for the first words";
}

/** The prompt as it was when it ran, and what became of it since. */
function Ran({ run, session }: { run: FullRun; session: DraftSession }) {
  const isDiff = useSignal(false);
  const now = session.content.value;
  const isSame = run.prompt_text === now;
  return (
    <section class="ran" aria-label="Prompt that ran">
      <header>
        <h3>Prompt that ran</h3>
        {isSame ? (
          <span class="quiet small">as it is in the editor</span>
        ) : (
          <button
            type="button"
            class="plain small"
            aria-pressed={isDiff.value}
            onClick={() => (isDiff.value = !isDiff.value)}
          >
            Differences to the editor <DiffSize before={run.prompt_text} after={now} />
          </button>
        )}
      </header>
      {isDiff.value && !isSame ? (
        <DiffView before={run.prompt_text} after={now} />
      ) : (
        <pre tabIndex={0}>{run.prompt_text}</pre>
      )}
      {!isSame && (
        <button
          type="button"
          class="link small"
          onClick={() => replaceText(session, run.prompt_text, "The text that ran is in the editor.")}
        >
          Put this text back into the editor
        </button>
      )}
    </section>
  );
}

function Articles({ run }: { run: FullRun }) {
  const cited = run.articles.filter((article) => article.cited).length;
  if (run.articles.length === 0) return null;
  return (
    <details class="articles" open={run.articles.length <= 10}>
      <summary>
        <h3>{count(run.articles.length, "article")} given</h3>
        {isOver(run) && <span class="quiet">{cited === 0 ? "none cited" : `${number(cited)} cited`}</span>}
      </summary>
      <ol>
        {run.articles.map((article) => (
          <li key={article.url} class={article.cited ? "cited" : ""}>
            <span class="mark">{article.cited ? "cited" : ""}</span>
            <span>
              <ArticleLink url={article.url} title={article.title} />
              <span class="quiet small">
                {" "}
                {article.source ? `${article.source}, ` : ""}
                {date(article.published_at)}
                {article.sample ? ", sample" : ""}
              </span>
            </span>
          </li>
        ))}
      </ol>
    </details>
  );
}

/** An article's title, linked only where the address is one of the web. */
function ArticleLink({ url, title }: { url: string; title: string }) {
  if (!/^https?:\/\//i.test(url)) return <span>{title}</span>;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer nofollow">
      {title}
    </a>
  );
}

function Figures({ run }: { run: FullRun }) {
  const figures: [label: string, value: string][] = [
    [
      "Time",
      run.execution_time_ms === null || run.execution_time_ms === undefined
        ? "–"
        : duration(run.execution_time_ms),
    ],
    ["Tokens in", number(run.tokens_in)],
    ["Tokens out", number(run.tokens_out)],
    ["Cost", dollars(run.cost_micros)],
    ["Answer", count(run.response_length, "character")],
    ["Articles", `${number(run.article_count)} of at most ${number(run.limit)}`],
    ["Revision", String(run.draft_revision)],
    ["Tools used", run.tools_used.length === 0 ? "none" : run.tools_used.map(toolName).join(", ")],
  ];
  return (
    <dl class="figures">
      {figures.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd class="number">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
