/** What the assistant proposes, as differences to the text in the editor: taken whole or change by change. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Proposal } from "../../draft/conversation";
import type { DraftSession } from "../../draft/session";
import { DiffSize, DiffView } from "../../parts/diff-view";
import { Notice } from "../../parts/notice";
import { applied } from "../../rules/diff";
import { withoutControls } from "../../rules/text";
import { count, time } from "../../rules/when";
import { replaceText } from "./replace";

export function Proposed({
  proposal,
  session,
  onClose,
}: {
  proposal: Proposal;
  session: DraftSession;
  onClose: () => void;
}) {
  const chosen = useSignal(0);
  const heading = useRef<HTMLHeadingElement>(null);
  const block = proposal.blocks[chosen.value] ?? proposal.blocks[0];
  useEffect(() => heading.current?.focus(), [proposal.message]);
  if (!block) return null;
  const text = withoutControls(block.text.replace(/\r\n?/g, "\n"));
  const now = session.content.value;
  const isSame = text === now;

  const takeAll = (): void => {
    replaceText(session, text, "The proposal is in the editor.");
    onClose();
  };
  return (
    <section class="aside" aria-labelledby="proposed">
      <header>
        <div>
          <h2 id="proposed" tabIndex={-1} ref={heading}>
            Proposed at {time(Date.parse(proposal.at))}
          </h2>
          <DiffSize before={now} after={text} />
        </div>
        <div class="row">
          <button type="button" class="primary" disabled={isSame} onClick={takeAll}>
            Apply all
          </button>
          <button type="button" onClick={onClose}>
            {isSame ? "Back to the editor" : "Close"}
          </button>
        </div>
      </header>
      {proposal.blocks.length > 1 && (
        <div class="field">
          <label for="block">The answer has {count(proposal.blocks.length, "block")}</label>
          <select
            id="block"
            value={String(chosen.value)}
            onChange={(event) => {
              chosen.value = Number(event.currentTarget.value);
            }}
          >
            {proposal.blocks.map((each, index) => (
              <option key={each.text} value={String(index)}>
                {each.text.trim().split("\n")[0]?.slice(0, 60)} ({count(each.text.length, "character")})
              </option>
            ))}
          </select>
        </div>
      )}
      {!block.closed && (
        <Notice kind="warn">
          The block was not closed: the answer may have ended before the proposal did.
        </Notice>
      )}
      {isSame ? (
        <p class="quiet">The editor has all of this proposal.</p>
      ) : (
        <DiffView
          before={now}
          after={text}
          onApply={(hunk) => session.edit({ content: applied(now, hunk) })}
        />
      )}
    </section>
  );
}
