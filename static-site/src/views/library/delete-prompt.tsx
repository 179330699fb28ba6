/** Asks before a prompt goes from the library, and says what becomes of its clones. */
import { Confirm, isGone } from "../../parts/confirm";
import { go } from "../../parts/router";
import { say } from "../../parts/toasts";
import { count } from "../../rules/when";
import { deletePrompt, type FullPrompt } from "../../server";

export function DeletePrompt({ prompt, onClose }: { prompt: FullPrompt; onClose: () => void }) {
  const versions = prompt.newest_version;

  const remove = async (): Promise<void> => {
    try {
      await deletePrompt(prompt.name);
    } catch (failure) {
      if (!isGone(failure)) throw failure;
    }
    say(`“${prompt.title}” was deleted from the library. Drafts cloned from it stay as they are.`);
    go("/library", { replace: true });
  };

  return (
    <Confirm title={`Delete “${prompt.title}” from the library`} act={remove} onClose={onClose}>
      <p>
        {versions === 1 ? "Its text goes" : `All ${count(versions, "version")} go`}, for everyone, and can't
        be brought back. Links to <span class="mono">{prompt.name}</span> stop working, and the name becomes
        free for anyone to take.
      </p>
      <p>
        {prompt.clone_count === 0
          ? "Nobody has cloned it so far."
          : `It was cloned ${prompt.clone_count === 1 ? "once" : count(prompt.clone_count, "time")}. Those drafts keep their text and stay as they are.`}
      </p>
    </Confirm>
  );
}
