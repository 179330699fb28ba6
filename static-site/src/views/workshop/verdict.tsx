/** A run's rating and notes, which the assistant is shown as well. */
import { useSignal } from "@preact/signals";
import { useId, useMemo } from "preact/hooks";
import type { Verdict as Given, Watched } from "../../draft/runs";
import { keptText } from "../../keep/kept";
import { Notice } from "../../parts/notice";
import { Stars } from "../../parts/stars";
import { length, NOTES_MAX, withoutControls } from "../../rules/text";
import { type FullRun, sentence } from "../../server";

export function Verdict({ run, watched, draft }: { run: FullRun; watched: Watched; draft: string }) {
  // A run can be shown twice: as the newest test, and in the history.
  const id = useId();
  const error = useSignal<unknown>(undefined);
  const isSaving = useSignal(false);
  // Typed notes are kept until they are saved; what is saved is the start.
  const notes = useMemo(() => keptText(`notes:${draft}:${run.test_id}`, run.notes ?? ""), [run.test_id]);
  const isChanged = notes.value.trim() !== (run.notes ?? "");
  const over = length(notes.value) - NOTES_MAX;

  // Shown as chosen at once; `undefined` when the server has it.
  const rating = useSignal<number | null | undefined>(undefined);

  const save = async (verdict: Given): Promise<void> => {
    error.value = undefined;
    isSaving.value = true;
    try {
      await watched.rate(verdict);
      if (verdict.user_rating === rating.value) rating.value = undefined;
    } catch (failure) {
      error.value = failure;
    } finally {
      isSaving.value = false;
    }
  };
  const rate = (chosen: number | null): void => {
    rating.value = chosen;
    void save({ user_rating: chosen });
  };
  const saveNotes = (): void => {
    if (!isChanged || over > 0) return;
    const text = withoutControls(notes.value).trim();
    void save({ notes: text === "" ? null : text });
  };
  return (
    <section class="verdict" aria-label="Your verdict">
      <Stars
        name={`rating-${id}`}
        value={rating.value === undefined ? (run.user_rating ?? null) : rating.value}
        onChange={rate}
      />
      <div class="field">
        <label for={`notes-${id}`}>Notes</label>
        <textarea
          id={`notes-${id}`}
          rows={2}
          value={notes.value}
          aria-invalid={over > 0}
          placeholder="What was wrong or right? The assistant reads it when you ask for an improvement."
          onInput={(event) => {
            notes.value = event.currentTarget.value;
          }}
          onBlur={saveNotes}
        />
        <p class={over > 0 ? "wrong" : "hint"} role="status">
          {over > 0
            ? `${over} characters too long; not saved.`
            : error.value !== undefined
              ? ""
              : isSaving.value
                ? "Saving…"
                : isChanged
                  ? "Saved when you leave the field."
                  : notes.value === ""
                    ? ""
                    : "Saved."}
        </p>
      </div>
      {error.value !== undefined && (
        <Notice
          kind="bad"
          actions={
            <button
              type="button"
              onClick={() =>
                void save({
                  ...(rating.value === undefined ? {} : { user_rating: rating.value }),
                  ...(isChanged ? { notes: withoutControls(notes.value).trim() || null } : {}),
                })
              }
            >
              Save again
            </button>
          }
        >
          Your verdict is not saved. {sentence(error.value)} It is kept here.
        </Notice>
      )}
    </section>
  );
}
