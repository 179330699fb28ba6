/** How an import goes and what came of it: what is in, what isn't, and why. */
import { Copy as CopyIcon } from "lucide-preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { copy } from "../../parts/copy";
import { Notice } from "../../parts/notice";
import { copies } from "../../rules/imports";
import { size, topicPath } from "../../rules/topics";
import { count, number } from "../../rules/when";
import { Refused, sentence, Unreachable } from "../../server";
import { importing } from "./importing";
import { dismiss, goOn, type InParts, type Rejected, stop, Unreadable } from "./in-parts";
import { UploadProgress } from "./upload-progress";

export function ImportProgress() {
  const now = importing.value;
  const shown = useRef<HTMLDivElement>(null);

  // A button that is gone takes the focus with it: what came of pressing it gets it instead.
  useLayoutEffect(() => {
    if (now && (document.activeElement ?? document.body) === document.body)
      shown.current?.focus({ preventScroll: true });
  }, [now?.state]);

  if (!now) return null;
  return (
    <section class="import" aria-label="Import" tabIndex={-1} ref={shown}>
      {now.way === "parts" ? <PartsProgress now={now} /> : <UploadProgress now={now} />}
      <Notes notes={now.way === "parts" ? now.notes : (now.report?.notes ?? [])} />
      {now.way === "parts" && now.rejectedTotal > 0 && (
        <RejectedLines lines={now.rejected} total={now.rejectedTotal} name={now.file.name} />
      )}
      {now.way === "upload" && now.report && now.report.rejected_total > 0 && (
        <RejectedLines lines={now.report.rejected} total={now.report.rejected_total} name={now.name} />
      )}
    </section>
  );
}

/** What was passed over, and what was taken as it is not written. */
function Notes({ notes }: { notes: readonly string[] }) {
  if (notes.length === 0) return null;
  return (
    <ul class="notes" aria-label="What to know of it">
      {notes.map((note) => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  );
}

function PartsProgress({ now }: { now: InParts }) {
  switch (now.state) {
    case "reading":
      return <Bar now={now} text={`Reading “${now.file.name}”`} />;
    case "sending":
      return <Bar now={now} text={sending(now)} />;
    case "done":
      return <Finished now={now} />;
    case "stopped":
      return <Halted now={now} kind="warn" what="The import was stopped." />;
    case "failed":
      return <Failure now={now} />;
  }
}

function sending({ file, sent, at, parts, topic }: InParts): string {
  const part = parts.length > 1 ? `, part ${number(at + 1)} of ${number(parts.length)}` : "";
  return `Importing “${file.name}” into “${topic}”: ${size(sent)} of ${size(file.size)}${part}`;
}

function Bar({ now, text }: { now: InParts; text: string }) {
  // A file of one part is in or isn't: the bar says that it is on its way, no more.
  const known = now.state === "sending" && now.parts.length > 1;
  return (
    <div class="stack">
      <p id="import-bar" role="status">
        {text}.
      </p>
      <progress aria-labelledby="import-bar" {...(known ? { value: now.sent, max: now.file.size } : {})} />
      <div class="row">
        <button type="button" onClick={stop}>
          Stop
        </button>
        {now.parts.length > 1 && <span class="quiet small number">{soFar(now)}</span>}
      </div>
    </div>
  );
}

const soFar = ({ added, updated, rejectedTotal }: InParts): string =>
  `${number(added)} added, ${number(updated)} updated, ${count(rejectedTotal, "line")} rejected so far`;

function Finished({ now }: { now: InParts }) {
  const { added, updated, duplicates, rejectedTotal, topic, file } = now;
  const nothing = added + updated + duplicates === 0;
  const another = (
    <>
      {!nothing && <a href={topicPath(topic)}>See the topic</a>}
      <button type="button" onClick={dismiss}>
        Done
      </button>
    </>
  );
  return (
    <div role="status">
      <Notice kind={nothing ? "warn" : "info"} actions={another}>
        {nothing && rejectedTotal === 0 && `“${file.name}” has no articles in it. Nothing was imported.`}
        {nothing && rejectedTotal > 0 && `No line of “${file.name}” could be imported.`}
        {!nothing &&
          `“${file.name}” is imported into “${topic}”: ${count(added, "article")} added, ${number(updated)} updated, ${count(rejectedTotal, "line")} rejected. ${copies(duplicates)}`}
      </Notice>
    </div>
  );
}

/** It ended early: what is in, what isn't, and how to go on. */
function Halted({
  now,
  kind,
  what,
  retry = true,
}: {
  now: InParts;
  kind: "warn" | "bad";
  what: string;
  retry?: boolean;
}) {
  const next = now.parts[now.at];
  const before = now.parts[now.at - 1];
  const actions = (
    <>
      {retry && (
        <button type="button" onClick={() => void goOn()}>
          {before && next ? `Go on from line ${number(next.line)}` : "Try again"}
        </button>
      )}
      <button type="button" onClick={dismiss}>
        {retry ? "Leave it at that" : "Close"}
      </button>
    </>
  );
  return (
    <Notice kind={kind} actions={actions}>
      {what} {keptOf(now)}
    </Notice>
  );
}

/** What of the file is in, what may be and what isn't. */
function keptOf(now: InParts): string {
  const next = now.parts[now.at];
  const before = now.parts[now.at - 1];
  const kept = before
    ? `Lines up to ${number(before.lastLine)} are imported: ${number(now.added)} added, ${number(now.updated)} updated, ${number(now.rejectedTotal)} rejected. `
    : "";
  if (!next) return kept || "Nothing was imported.";
  if (mayHaveArrived(now) && !now.seen.cut)
    return "It may be in already, whole or in part; sending it again doubles nothing, since the same URL is one article.";
  if (mayHaveArrived(now)) {
    return `${kept}Lines ${number(next.line)} to ${number(next.lastLine)} may be in already; sending them again doubles nothing, since the same URL is one article.`;
  }
  return before ? `${kept}Nothing from line ${number(next.line)} on is.` : "Nothing was imported.";
}

/** Whether the part that was under way may have been imported all the same, whole or in part. */
function mayHaveArrived({ state, error }: InParts): boolean {
  if (state === "stopped") return true;
  return error instanceof Unreachable || (error instanceof Refused && error.status >= 500);
}

function Failure({ now }: { now: InParts }) {
  const { error } = now;
  if (error instanceof Unreadable) {
    return (
      <Halted
        now={now}
        kind="bad"
        what={`“${now.file.name}” can't be read: it may have been moved or changed since it was chosen. Choose it again.`}
        retry={false}
      />
    );
  }
  if (error instanceof Unreachable)
    return <Halted now={now} kind="bad" what="The workshop's server doesn't answer." />;
  const retry = error instanceof Refused && error.passes;
  return <Halted now={now} kind="bad" what={sentence(error)} retry={retry} />;
}

function RejectedLines({ lines, total, name }: { lines: readonly Rejected[]; total: number; name: string }) {
  return (
    <div class="rejected">
      <header class="row spread">
        <h3 id="rejected-heading">
          {total === 1 ? "One line was rejected" : `${number(total)} lines were rejected`}
        </h3>
        <button
          type="button"
          class="plain"
          onClick={() => void copy(lines.map((one) => `${one.line}\t${one.detail}`).join("\n"))}
        >
          <CopyIcon class="icon" aria-hidden="true" />
          Copy the list
        </button>
      </header>
      <p class="hint">
        Correct {total === 1 ? "it" : "them"} in “{name}” and import the file again: what is in already is
        updated, not doubled.
        {total > lines.length && ` The first ${number(lines.length)} are shown.`}
      </p>
      <section class="scroll" aria-labelledby="rejected-heading" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col" class="figure">
                Line
              </th>
              <th scope="col">What is wrong</th>
            </tr>
          </thead>
          <tbody>
            {lines.map((one) => (
              <tr key={`${one.line}:${one.detail}`}>
                <td class="figure">{number(one.line)}</td>
                <td>{one.detail}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}
