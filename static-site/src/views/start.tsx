/** Three ways to begin: from a need, from a text of one's own, from the library. */
import { useSignal } from "@preact/signals";
import { useKeptText } from "../keep/kept";
import { useLoad } from "../parts/load";
import { Failed, Working } from "../parts/notice";
import { go, query } from "../parts/router";
import { length, oneLine, REQUIREMENTS_MAX, withoutControls } from "../rules/text";
import { listPrompts, newKey, Refused, startDraft } from "../server";

export function Start() {
  const need = useKeptText("requirements");
  const isStarting = useSignal(false);
  const error = useSignal<unknown>(undefined);
  const key = useSignal(newKey());
  const prompts = useLoad(() => listPrompts());
  const chosen = useSignal("");
  const topic = query.value.get("topic");

  const start = async (input: { requirements?: string; draft_name?: string }): Promise<void> => {
    if (isStarting.value) return;
    isStarting.value = true;
    error.value = undefined;
    try {
      const started = await startDraft(input, key.value);
      key.value = newKey();
      if (input.requirements) need.clear();
      const search = new URLSearchParams({ draft_id: started.draft_id, ...(topic ? { topic } : {}) });
      go(`/prompt-workshop?${search}`);
    } catch (failure) {
      error.value = failure;
      // After a refusal it is a new request; after silence the same one, which is never done twice.
      if (failure instanceof Refused) key.value = newKey();
    } finally {
      isStarting.value = false;
    }
  };

  const fromNeed = (): void => {
    const requirements = withoutControls(need.value).trim();
    if (requirements === "") return;
    void start({ requirements, draft_name: nameOf(requirements) });
  };
  const over = length(need.value) - REQUIREMENTS_MAX;

  return (
    <div class="start">
      <form
        class="field"
        onSubmit={(event) => {
          event.preventDefault();
          fromNeed();
        }}
      >
        <label for="need">What should the prompt do?</label>
        <textarea
          id="need"
          rows={4}
          aria-describedby="need-hint"
          aria-invalid={over > 0}
          placeholder="For example: weekly briefs for executives on AI adoption, one page, every claim with its source"
          value={need.value}
          onInput={(event) => {
            need.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) fromNeed();
          }}
        />
        <p class={over > 0 ? "wrong" : "hint"} id="need-hint">
          {over > 0
            ? `${over} characters more than fit. Shorten it, or put the rest into the conversation.`
            : "Who reads the answers, in which form, what matters, what must not happen. The assistant asks about the rest."}
        </p>
        <div class="row">
          <button
            type="submit"
            class="primary"
            disabled={need.value.trim() === "" || over > 0 || isStarting.value}
          >
            Start the conversation
          </button>
          <span class="quiet">or</span>
          <button type="button" disabled={isStarting.value} onClick={() => void start({})}>
            Start with a blank draft
          </button>
          {isStarting.value && <Working>Starting</Working>}
        </div>
        {error.value !== undefined && <Failed error={error.value} />}
      </form>
      <form
        class="field from-library"
        onSubmit={(event) => {
          event.preventDefault();
          const search = new URLSearchParams({ clone: chosen.value, ...(topic ? { topic } : {}) });
          if (chosen.value !== "") go(`/prompt-workshop?${search}`);
        }}
      >
        <label for="from">Or from a prompt of the library</label>
        <div class="row">
          <select
            id="from"
            value={chosen.value}
            onChange={(event) => {
              chosen.value = event.currentTarget.value;
            }}
          >
            <option value="">{prompts.data.value ? "Choose a prompt" : "Loading the library"}</option>
            {prompts.data.value?.prompts.map((prompt) => (
              <option key={prompt.name} value={prompt.name}>
                {prompt.title}
              </option>
            ))}
          </select>
          <button type="submit" disabled={chosen.value === ""}>
            Clone it
          </button>
        </div>
        <p class="hint">
          {prompts.error.value === undefined ? (
            <>
              A clone is a draft of your own. <a href="/library">See them all in the library</a>
            </>
          ) : (
            "The library can't be read just now; the other ways work."
          )}
        </p>
      </form>
    </div>
  );
}

/** A draft's first name, out of what was asked for: its first words. */
function nameOf(requirements: string): string {
  const line = oneLine(requirements).trim();
  if (line.length < 3) return "New prompt";
  if (line.length <= 60) return line;
  const cut = line.slice(0, 60);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(" "), 20)).replace(/[\s\p{P}]+$/u, "")}…`;
}
