/** The field to say something in, who answers, and the button that sends or stops. */
import type { Signal } from "@preact/signals";
import { Send, Square } from "lucide-preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Conversation } from "../../draft/conversation";
import type { Kept } from "../../keep/kept";
import { ModelChoice, ModelState } from "../../parts/model-choice";
import { length, MESSAGE_MAX, withoutControls } from "../../rules/text";
import type { Model } from "../../server";

export function Composer({
  conversation,
  text,
  model,
  models,
  answering,
}: {
  conversation: Conversation;
  text: Kept;
  model: Signal<string>;
  models: Model[] | undefined;
  answering: string | undefined;
}) {
  const field = useRef<HTMLTextAreaElement>(null);
  const over = length(text.value) - MESSAGE_MAX;
  const isBusy = conversation.isBusy.value;
  const isBlocked = isBusy || conversation.outgoing.value !== null;

  const send = (): void => {
    const message = withoutControls(text.value);
    if (message.trim() === "" || over > 0 || isBlocked) return;
    text.clear();
    void conversation.send(message, answering);
  };
  // The field grows with what is typed, up to a third of the window.
  useLayoutEffect(() => {
    const shown = field.current;
    if (!shown) return;
    shown.style.height = "auto";
    shown.style.height = `${Math.min(shown.scrollHeight + 2, innerHeight / 3)}px`;
  }, [text.value]);
  // The button that stopped the answer is another one now: the focus goes back to the field.
  const wasBusy = useRef(false);
  useEffect(() => {
    if (wasBusy.current && !isBusy && document.activeElement === document.body) field.current?.focus();
    wasBusy.current = isBusy;
  }, [isBusy]);
  useEffect(() => {
    if (matchMedia("(min-width: 60rem)").matches) field.current?.focus();
  }, []);

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label for="message" class="visually-hidden">
        Message to the assistant
      </label>
      <textarea
        id="message"
        ref={field}
        rows={2}
        value={text.value}
        placeholder="Say what the prompt should do, or what to change"
        aria-invalid={over > 0}
        aria-describedby="message-hint"
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          send();
        }}
      />
      <ModelState models={models} model={model} />
      <div class="row">
        <span class="model">
          <ModelChoice id="chat-model" models={models} model={model} isLabelled={false} />
        </span>
        <span class={over > 0 ? "wrong" : "hint"} id="message-hint">
          {over > 0 ? `${over} characters too long` : <Keys />}
        </span>
        {isBusy ? (
          <button
            type="button"
            key="stop"
            aria-disabled={conversation.isStopping.value}
            onClick={() => {
              if (!conversation.isStopping.value) void conversation.stop();
            }}
          >
            <Square class="icon" aria-hidden="true" />
            {conversation.isStopping.value ? "Stopping…" : "Stop"}
          </button>
        ) : (
          <button
            type="submit"
            key="send"
            class="primary"
            disabled={isBlocked || text.value.trim() === "" || over > 0}
          >
            <Send class="icon" aria-hidden="true" />
            Send
          </button>
        )}
      </div>
    </form>
  );
}

const isApple = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** The keys that send. */
function Keys() {
  return (
    <>
      <kbd>{isApple ? "⌘" : "Ctrl"}</kbd> <kbd>Enter</kbd> sends
    </>
  );
}
