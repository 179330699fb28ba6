/** What a run's answer was checked for, without asking a model. */
import { type Finding, figuresOf, findings, inOrder } from "../../rules/checks";
import { count } from "../../rules/when";
import type { Checks } from "../../server";

/** A longer list is shown on asking. */
const SHOWN = 5;

const MOODS: Record<Finding["is"], string> = { invented: "bad", uncited: "warn", missing: "warn" };

export function Checked({ checks }: { checks: Checks }) {
  const found = findings(checks);
  const fine = inOrder(checks);
  const citesNothing = checks.citations === 0 && checks.articles_given > 0;
  return (
    <section class="checked" aria-label="What the answer was checked for">
      <header>
        <h3>Checked</h3>
        <p class={citesNothing ? "status warn number" : "number"}>{figuresOf(checks)}</p>
      </header>
      {found.map((finding) => (
        <Found key={finding.is} finding={finding} />
      ))}
      {fine !== "" && (
        <p>
          <span class="status good" />
          {fine}
        </p>
      )}
      <p class="hint">
        These are counts and comparisons, made without a model. They can't tell whether a claim is true, or
        whether a cited article says so.
      </p>
    </section>
  );
}

/** Invented addresses are shown, and lead nowhere: nobody knows where they would. */
function Found({ finding }: { finding: Finding }) {
  const { is, what, places, more } = finding;
  return (
    <details open={places.length <= SHOWN}>
      <summary>
        <span class={`status ${MOODS[is]}`}>{what}</span>
      </summary>
      <ul>
        {places.map((place, at) => (
          <li key={at}>
            {place.text}
            {place.url !== undefined && <code>{place.url}</code>}
          </li>
        ))}
        {more > 0 && <li class="quiet">and {count(more, "other")}</li>}
      </ul>
    </details>
  );
}
