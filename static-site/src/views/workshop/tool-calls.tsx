/**
 * What the model looked up before and while it answered: each call in order,
 * as it comes. Arguments and results are shown as text, whatever they hold.
 */
import { useMemo } from "preact/hooks";
import { isOver } from "../../draft/runs";
import { length } from "../../rules/text";
import { argumentsOf, callsInShort, came, subject, toolDone } from "../../rules/tools";
import { count, duration, exact, number, time } from "../../rules/when";
import type { FullRun, ToolCall } from "../../server";

export function ToolCalls({ run }: { run: FullRun }) {
  const calls = run.tool_calls ?? [];
  // Who watches a run sees its calls; in one that is over they are one line until asked for.
  const isOpen = useMemo(() => !isOver(run), []);
  if (calls.length === 0) return null;
  return (
    <details class="calls" open={isOpen}>
      <summary>
        <h3>Research</h3>
        <span class="quiet number">{callsInShort(calls)}</span>
      </summary>
      <ol aria-label="Tool calls in order">
        {calls.map((call, at) => (
          <li key={`${call.started_at}:${at}`}>
            <Call call={call} place={at + 1} />
          </li>
        ))}
      </ol>
    </details>
  );
}

function Call({ call, place }: { call: ToolCall; place: number }) {
  const about = subject(call.arguments);
  const given = argumentsOf(call.arguments);
  const outcome = call.is_error ? "" : came(call);
  return (
    <details class="call">
      <summary>
        <span class="place number quiet">{place}</span>
        <span class="what">
          {toolDone(call.name)}
          {about !== "" && <span class="quiet"> “{about}”</span>}
        </span>
        <span class="facts small number">
          {call.is_error && <span class="status bad">Error</span>}
          {outcome !== "" && <span class="quiet">{outcome}</span>}
          <span class="quiet">{duration(call.millis)}</span>
        </span>
      </summary>
      <div class="inside small">
        <p class="quiet">
          <code>{call.name}</code>, round {number(call.round)},{" "}
          <time dateTime={call.started_at} title={exact(call.started_at)}>
            {time(Date.parse(call.started_at))}
          </time>
        </p>
        {given.length === 0 ? (
          <p class="quiet">Without arguments.</p>
        ) : (
          <dl class="arguments">
            {given.map(({ name, value }) => (
              <div key={name}>
                <dt>{name === "" ? "as the model wrote them" : name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        )}
        <section class="result" tabIndex={0} aria-label={`Result of call ${place}`}>
          <pre>{call.result === "" ? "(nothing)" : call.result}</pre>
        </section>
        {call.result_length > length(call.result) && (
          <p class="quiet">
            The beginning of {count(call.result_length, "character")}; the model was given them all.
          </p>
        )}
      </div>
    </details>
  );
}
