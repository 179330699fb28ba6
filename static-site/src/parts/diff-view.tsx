/** Differences between two texts, line by line, with the changed words marked. */
import { useMemo } from "preact/hooks";
import { type Hunk, hunks, type Span, size, words } from "../rules/diff";
import { count } from "../rules/when";

/** Lines shown around a change, so that one sees where it is. */
const CONTEXT = 2;
/** More changes than this are shown on asking. */
const SHOWN = 200;

export function DiffView({
  before,
  after,
  onApply,
}: {
  before: string;
  after: string;
  /** Shows a button beside each change that makes it. */
  onApply?: (hunk: Hunk) => void;
}) {
  const found = useMemo(() => hunks(before, after), [before, after]);
  const lines = useMemo(() => before.split("\n"), [before]);
  if (found.length === 0) return <p class="quiet">The texts are the same.</p>;
  return (
    <div class="diff">
      {found.slice(0, SHOWN).map((hunk, index) => (
        <section
          class="hunk"
          key={`${hunk.before.start}:${hunk.after.start}`}
          aria-label={`Change ${index + 1}`}
        >
          <header>
            <span class="small">Line {hunk.before.start + 1}</span>
            {onApply && (
              <button type="button" class="small" onClick={() => onApply(hunk)}>
                Apply this change
              </button>
            )}
          </header>
          <Context lines={lines.slice(Math.max(0, hunk.before.start - CONTEXT), hunk.before.start)} />
          <Change hunk={hunk} />
          <Context
            lines={lines.slice(
              hunk.before.start + hunk.before.lines.length,
              hunk.before.start + hunk.before.lines.length + CONTEXT,
            )}
          />
        </section>
      ))}
      {found.length > SHOWN && <p class="quiet">{count(found.length - SHOWN, "more change")} not shown.</p>}
    </div>
  );
}

function Context({ lines }: { lines: string[] }) {
  if (lines.length === 0) return null;
  return <span class="same">{`  ${lines.join("\n")}`}</span>;
}

function Change({ hunk }: { hunk: Hunk }) {
  const marked = useMemo(() => words(hunk), [hunk]);
  return (
    <>
      {hunk.before.lines.length > 0 && (
        <del>
          <span class="visually-hidden">Removed: </span>
          {"− "}
          {marked ? <Words spans={marked.before} /> : hunk.before.lines.join("\n")}
        </del>
      )}
      {hunk.after.lines.length > 0 && (
        <ins>
          <span class="visually-hidden">Added: </span>
          {"+ "}
          {marked ? <Words spans={marked.after} /> : hunk.after.lines.join("\n")}
        </ins>
      )}
    </>
  );
}

export function Words({ spans }: { spans: Span[] }) {
  return (
    <>
      {spans.map((span, index) =>
        span.changed ? <mark key={index}>{span.text}</mark> : <span key={index}>{span.text}</span>,
      )}
    </>
  );
}

/** `+3 −1 lines`. */
export function DiffSize({ before, after }: { before: string; after: string }) {
  const { added, removed } = useMemo(() => size(hunks(before, after)), [before, after]);
  return (
    <span class="number quiet small">
      {`+${added} −${removed} ${added + removed === 1 ? "line" : "lines"}`}
    </span>
  );
}
