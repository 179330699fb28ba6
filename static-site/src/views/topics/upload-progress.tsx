/** How the import of a large file goes: the upload, the reading on the server, and what came of it. */
import { Notice } from "../../parts/notice";
import { amount, copies, soFar } from "../../rules/imports";
import { size, topicPath } from "../../rules/topics";
import { count, number } from "../../rules/when";
import { Refused, sentence, Unreachable, UploadRefused } from "../../server";
import { CutOff, FileGone, forget, goInParts, goOn, stop, type Uploading } from "./uploading";

export function UploadProgress({ now }: { now: Uploading }) {
  switch (now.state) {
    case "starting":
    case "uploading":
    case "queueing":
      return <Sending now={now} />;
    case "reading":
      return <Reading now={now} />;
    case "done":
      return <Finished now={now} />;
    case "stopped":
      return (
        <Ended now={now} kind="warn">
          The upload was stopped. Nothing was imported.
        </Ended>
      );
    case "failed":
      return (
        <Ended now={now} kind="bad">
          {failure(now)}
        </Ended>
      );
  }
}

/** The sentence is read out when it changes; the figures, which change all the time, are not. */
function Sending({ now }: { now: Uploading }) {
  const isSending = now.state === "uploading";
  return (
    <div class="stack">
      <p id="import-bar" role="status">
        {now.state === "starting" && `Asking where “${now.name}” can be uploaded.`}
        {isSending && `Uploading “${now.name}”. Keep this page open until it is there.`}
        {now.state === "queueing" && `“${now.name}” is uploaded. Handing it over.`}
      </p>
      <progress aria-labelledby="import-bar" {...(isSending ? { value: now.sent, max: now.bytes } : {})} />
      <div class="row">
        {now.state !== "queueing" && (
          <button type="button" onClick={stop}>
            Stop
          </button>
        )}
        {isSending && <span class="quiet small number">{amount(now.sent, now.bytes)} sent</span>}
      </div>
    </div>
  );
}

function Reading({ now }: { now: Uploading }) {
  const { report } = now;
  const isRead = report?.status === "running";
  return (
    <div class="stack">
      <p id="import-bar" role="status">
        {!report && `Asking the server how far “${now.name}” is.`}
        {report &&
          (isRead
            ? `The articles of “${now.name}” go into “${now.topic}”. This goes on when you leave the page.`
            : `“${now.name}” is uploaded and waits its turn. You can leave the page.`)}
      </p>
      <progress
        aria-labelledby="import-bar"
        {...(isRead ? { value: report.bytes_read, max: Math.max(1, report.bytes) } : {})}
      />
      {isRead && (
        <p class="quiet small number">
          Read {amount(report.bytes_read, report.bytes)}; {soFar(report)}
        </p>
      )}
      {now.isAway && (
        <Notice kind="warn">
          The server can't be asked just now how far it is.{" "}
          {report ? "It goes on without us" : "Nothing is lost"}; this looks again by itself.
        </Notice>
      )}
    </div>
  );
}

function Finished({ now }: { now: Uploading }) {
  const { report, name, topic } = now;
  if (!report) return null;
  const nothing = report.added + report.updated + report.duplicates === 0;
  const actions = (
    <>
      {!nothing && <a href={topicPath(topic)}>See the topic</a>}
      <button type="button" onClick={forget}>
        Done
      </button>
    </>
  );
  return (
    <div role="status">
      <Notice kind={nothing ? "warn" : "info"} actions={actions}>
        {nothing
          ? report.rejected_total === 0
            ? `“${name}” has no articles in it. Nothing was imported.`
            : `No line of “${name}” could be imported.`
          : `“${name}” is imported into “${topic}”: ${count(report.added, "article")} added, ${number(report.updated)} updated, ${count(report.rejected_total, "line")} rejected. ${copies(report.duplicates)}`}
      </Notice>
    </div>
  );
}

/** It ended early: what is in, what isn't, and how to go on. */
function Ended({ now, kind, children }: { now: Uploading; kind: "warn" | "bad"; children: string }) {
  const actions = (
    <>
      {now.hasFile && (
        <button type="button" onClick={() => void goOn()}>
          Try again
        </button>
      )}
      {now.hasFile && now.canBeCut && isRefusedAtStart(now) && (
        <button type="button" onClick={() => void goInParts()}>
          Import it in parts
        </button>
      )}
      <button type="button" onClick={forget}>
        {now.hasFile ? "Leave it at that" : "Close"}
      </button>
    </>
  );
  return (
    <Notice kind={kind} actions={actions}>
      {children}
    </Notice>
  );
}

/** No file can be uploaded just now, or not at all: the server has no place for them. */
const isRefusedAtStart = ({ error, isUploaded }: Uploading): boolean =>
  error instanceof Refused && error.status === 503 && !isUploaded;

function failure({ error, report, name, bytes, isUploaded }: Uploading): string {
  if (report?.status === "failed") {
    const what = report.error ?? "The file could not be read to its end.";
    return report.bytes_read > 0
      ? `${what} Of ${amount(report.bytes_read, report.bytes)}: ${soFar(report)}. That stays; importing the file again doubles nothing.`
      : `${what} Nothing was imported.`;
  }
  if (error instanceof CutOff)
    return `The upload of “${name}” ended when the page was left. Nothing of it was imported; choose the file again.`;
  if (error instanceof FileGone)
    return `“${name}” can't be read: it may have been moved or changed since it was chosen. Choose it again.`;
  if (error instanceof UploadRefused)
    return `The storage didn't take “${name}” (${size(bytes)}, answer ${error.status}). Nothing was imported; try again.`;
  if (error instanceof Unreachable && isUploaded)
    return `“${name}” is uploaded, but the workshop's server doesn't answer: it may not have begun to read it. Try again; the file isn't sent a second time.`;
  if (error instanceof Unreachable)
    return `The upload of “${name}” broke off: there is no answer. Nothing was imported; the file is still chosen.`;
  return sentence(error);
}
