/** Two people changed the same lines: both texts side by side, and a choice for each place. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Conflict, DraftSession } from "../../draft/session";
import { Words } from "../../parts/diff-view";
import { type Span, words } from "../../rules/diff";
import { type Choice, isConflict } from "../../rules/merge";
import { count, time } from "../../rules/when";

/** Lines of agreement shown around a conflict. */
const CONTEXT = 3;

export function Choosing({ session, conflict }: { session: DraftSession; conflict: Conflict }) {
  const choices = useSignal<(Choice | undefined)[]>([]);
  const heading = useRef<HTMLHeadingElement>(null);
  const places = conflict.parts.filter(isConflict).length;
  const decided = choices.value.filter((choice) => choice !== undefined).length;
  useEffect(() => {
    choices.value = [];
    heading.current?.focus();
  }, [conflict]);

  const choose = (place: number, choice: Choice): void => {
    const next = [...choices.value];
    next[place] = choice;
    choices.value = next;
  };
  const all = (choice: Choice): void => {
    choices.value = Array.from({ length: places }, () => choice);
  };
  let place = -1;
  return (
    <section class="aside" aria-labelledby="choosing">
      <header>
        <div>
          <h2 id="choosing" tabIndex={-1} ref={heading}>
            {count(places, "place")} changed here and elsewhere
          </h2>
          <p class="quiet small">
            The other text was saved at {time(conflict.at)}. Everything else is merged. Nothing is thrown away
            before you choose.
          </p>
        </div>
        <div class="row">
          <button type="button" onClick={() => all("mine")}>
            All mine
          </button>
          <button type="button" onClick={() => all("theirs")}>
            All theirs
          </button>
          <button
            type="button"
            class="primary"
            disabled={decided < places}
            onClick={() => session.choose(choices.value)}
          >
            {decided < places ? `${decided} of ${places} chosen` : "Use this text"}
          </button>
        </div>
      </header>
      <div class="choices">
        {conflict.parts.map((part, index) => {
          if (!isConflict(part)) {
            const shown =
              part.same.length <= CONTEXT * 2
                ? part.same
                : [...part.same.slice(0, CONTEXT), "…", ...part.same.slice(-CONTEXT)];
            return (
              <p class="agreed" key={index}>
                {shown.join("\n")}
              </p>
            );
          }
          place += 1;
          const at = place;
          const marked = words({
            before: { start: 0, lines: part.mine },
            after: { start: 0, lines: part.theirs },
          });
          return (
            <fieldset class="place" key={`place ${at}`}>
              <legend class="visually-hidden">Place {at + 1}</legend>
              <Side
                name={`place-${at}`}
                label="Mine, here"
                lines={part.mine}
                spans={marked?.before}
                choice="mine"
                chosen={choices.value[at]}
                onChoose={(choice) => choose(at, choice)}
              />
              <Side
                name={`place-${at}`}
                label="Theirs, saved"
                lines={part.theirs}
                spans={marked?.after}
                choice="theirs"
                chosen={choices.value[at]}
                onChoose={(choice) => choose(at, choice)}
              />
              <label class="both">
                <input
                  type="radio"
                  name={`place-${at}`}
                  checked={choices.value[at] === "both"}
                  onChange={() => choose(at, "both")}
                />
                Both, mine first
              </label>
            </fieldset>
          );
        })}
      </div>
    </section>
  );
}

function Side({
  name,
  label,
  lines,
  spans,
  choice,
  chosen,
  onChoose,
}: {
  name: string;
  label: string;
  lines: string[];
  /** The lines with the words marked that differ, where that helps. */
  spans: Span[] | undefined;
  choice: Choice;
  chosen: Choice | undefined;
  onChoose: (choice: Choice) => void;
}) {
  return (
    <label class="side">
      <span>
        <input type="radio" name={name} checked={chosen === choice} onChange={() => onChoose(choice)} />{" "}
        {label}
      </span>
      <span class="lines">
        {lines.length === 0 ? "(these lines removed)" : spans ? <Words spans={spans} /> : lines.join("\n")}
      </span>
    </label>
  );
}
