/** Trying the draft on a real question: the order, and below it the run that came of it. */
import { type Signal, useSignal } from "@preact/signals";
import { Play } from "lucide-preact";
import { useEffect, useMemo } from "preact/hooks";
import { type Runs, Watched } from "../../draft/runs";
import type { DraftSession } from "../../draft/session";
import { keptText, useKeptText } from "../../keep/kept";
import { useLoad } from "../../parts/load";
import { ModelChoice, ModelState } from "../../parts/model-choice";
import { chosenModel } from "../../parts/models";
import { Failed, Notice, Working } from "../../parts/notice";
import { query } from "../../parts/router";
import { CONTENT_MIN, length, QUERY_LENGTH, withoutControls } from "../../rules/text";
import { count, date, number } from "../../rules/when";
import { listTopics, type Model, type Run, type Topic } from "../../server";
import { RunView } from "./run-view";

const LIMIT = { least: 5, most: 200, usual: 50 };

export function TestTab({
  session,
  runs,
  model,
  models,
}: {
  session: DraftSession;
  runs: Runs;
  model: Signal<string>;
  models: Model[] | undefined;
}) {
  const topics = useLoad(listTopics);
  const question = useKeptText(`question:${session.id}`);
  const topic = useMemo(() => keptText(`topic:${session.id}`, query.peek().get("topic") ?? ""), [session]);
  const limit = useMemo(() => keptText(`limit:${session.id}`, String(LIMIT.usual)), [session]);
  const isStarting = useSignal(false);
  const error = useSignal<unknown>(undefined);
  const unsaved = useSignal(false);
  const watched = useSignal<Watched | null>(null);

  // The newest run is shown at once, so that a reload finds it where it was.
  const newest = runs.list.value[0]?.test_id;
  useEffect(() => {
    if (!watched.value && newest) watched.value = new Watched(runs, newest);
  }, [newest]);
  useEffect(() => () => watched.value?.close(), [runs]);

  const known = topics.data.value ?? [];
  const chosenTopic = known.find((each) => each.name === topic.value) ?? firstOf(known);
  const asked = length(question.value.trim());
  const isShort = length(session.content.value) < CONTENT_MIN;
  const most = Number(limit.value);
  const isLimitRight = Number.isInteger(most) && most >= LIMIT.least && most <= LIMIT.most;
  const canStart =
    !isShort &&
    asked >= QUERY_LENGTH[0] &&
    asked <= QUERY_LENGTH[1] &&
    isLimitRight &&
    chosenTopic !== undefined &&
    chosenModel(models, model.value) !== undefined;

  const show = (run: Run): void => {
    watched.value?.close();
    watched.value = new Watched(runs, run.test_id);
  };
  const start = async (order: { query: string; topic: string; limit: number }): Promise<void> => {
    if (isStarting.value) return;
    isStarting.value = true;
    error.value = undefined;
    unsaved.value = false;
    try {
      // A run takes the text that the server has: what is on screen has to be there first.
      if (!(await session.saveNow())) {
        unsaved.value = true;
        return;
      }
      show(
        await runs.start({
          test_query: order.query,
          topic: order.topic,
          limit: order.limit,
          model: chosenModel(models, model.value)?.id ?? null,
        }),
      );
    } catch (failure) {
      error.value = failure;
    } finally {
      isStarting.value = false;
      void session.refresh();
    }
  };
  const startThis = (): void => {
    if (!canStart || !chosenTopic) return;
    void start({ query: withoutControls(question.value).trim(), topic: chosenTopic.name, limit: most });
  };

  return (
    <div class="test-tab">
      <form
        class="order"
        onSubmit={(event) => {
          event.preventDefault();
          startThis();
        }}
      >
        <div class="field question">
          <label for="question">Question</label>
          <textarea
            id="question"
            rows={2}
            value={question.value}
            placeholder="What do surveys say about AI adoption in the last 60 days?"
            aria-describedby="question-hint"
            aria-invalid={asked > QUERY_LENGTH[1]}
            onInput={(event) => {
              question.value = event.currentTarget.value;
            }}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
              event.preventDefault();
              startThis();
            }}
          />
          <p class={asked > QUERY_LENGTH[1] ? "wrong" : "hint"} id="question-hint">
            {asked > QUERY_LENGTH[1]
              ? `${asked - QUERY_LENGTH[1]} characters too long.`
              : asked > 0 && asked < QUERY_LENGTH[0]
                ? `At least ${QUERY_LENGTH[0]} characters.`
                : "Time phrases work: last 7 days, since March, in 2025."}
          </p>
        </div>
        <div class="field">
          <label for="topic">Topic</label>
          <select
            id="topic"
            value={chosenTopic?.name ?? ""}
            onChange={(event) => {
              topic.value = event.currentTarget.value;
            }}
          >
            {!topics.data.value && <option value="">{topics.loading.value ? "Loading" : "Not known"}</option>}
            {known.map((each) => (
              <option key={each.name} value={each.name}>
                {each.name} ({number(each.article_count)}
                {each.sample ? ", sample" : ""})
              </option>
            ))}
          </select>
          {chosenTopic?.newest && chosenTopic.oldest && (
            <p class="hint">
              {date(chosenTopic.oldest)} to {date(chosenTopic.newest)}
            </p>
          )}
        </div>
        <div class="field">
          <label for="limit">Articles at most</label>
          <input
            id="limit"
            type="number"
            inputMode="numeric"
            min={LIMIT.least}
            max={LIMIT.most}
            value={limit.value}
            aria-invalid={!isLimitRight}
            onInput={(event) => {
              limit.value = event.currentTarget.value;
            }}
          />
          {!isLimitRight && (
            <p class="wrong">
              {LIMIT.least} to {LIMIT.most}
            </p>
          )}
        </div>
        <div class="field">
          <ModelChoice id="test-model" models={models} model={model} />
          <ModelState models={models} model={model} />
        </div>
        <div class="row go">
          <button type="submit" class="primary" disabled={!canStart} aria-disabled={isStarting.value}>
            <Play class="icon" aria-hidden="true" />
            Run the test
          </button>
          {isStarting.value && <Working>Starting</Working>}
          {isShort && (
            <span class="quiet small">The draft needs at least {CONTENT_MIN} characters first.</span>
          )}
        </div>
        {topics.error.value !== undefined && (
          <Failed error={topics.error.value} retry={() => void topics.reload()} />
        )}
        {topics.data.value?.length === 0 && (
          <Notice>
            There are no articles yet. <a href="/topics">Add some</a>
          </Notice>
        )}
        {error.value !== undefined && <Failed error={error.value} />}
        {unsaved.value && (
          <Notice kind="warn">
            The draft isn't saved yet, and a test runs what the server has. See above why; your text is kept.
            Then run it again.
          </Notice>
        )}
      </form>
      {watched.value ? (
        <RunView
          key={watched.value.id}
          watched={watched.value}
          runs={runs}
          session={session}
          onAgain={(run) => void start({ query: run.test_query, topic: run.topic, limit: run.limit })}
        />
      ) : (
        <Untested isLoading={runs.cursor.value === undefined && runs.error.value === undefined} />
      )}
    </div>
  );
}

function firstOf(topics: Topic[]): Topic | undefined {
  return topics.find((topic) => topic.article_count > 0) ?? topics[0];
}

function Untested({ isLoading }: { isLoading: boolean }) {
  if (isLoading) return <Working />;
  return (
    <div class="empty">
      <h3>No test yet</h3>
      <p>
        A test gives your draft and the articles that fit the question to the model, and shows the answer as
        it is written. {count(1, "question")} is enough to see what the prompt does; three different ones tell
        whether it holds.
      </p>
    </div>
  );
}
