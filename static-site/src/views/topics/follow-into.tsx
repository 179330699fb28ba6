/** Following a feed into a topic that is named beside it, which may be a new one. */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { go } from "../../parts/router";
import { TOPIC_MAX, topicName, topicPath } from "../../rules/topics";
import { FollowForm } from "../topic/follow-form";

export function FollowInto() {
  const topic = useSignal("");
  const wrong = useSignal("");
  const field = useRef<HTMLInputElement>(null);

  const topicOf = (): string | undefined => {
    const name = topicName(topic.value);
    if (name !== "") return name;
    wrong.value = "Name the topic that its articles belong to.";
    field.current?.focus();
    return undefined;
  };

  return (
    <FollowForm topicOf={topicOf} onFollowed={(_, name) => go(topicPath(name, "view=feeds"))}>
      <div class="field">
        <label for="feed-topic">Into the topic</label>
        <input
          id="feed-topic"
          ref={field}
          list="import-topics"
          maxLength={TOPIC_MAX}
          autocomplete="off"
          value={topic.value}
          aria-invalid={wrong.value !== ""}
          aria-describedby={wrong.value === "" ? undefined : "feed-topic-wrong"}
          onInput={(event) => {
            topic.value = event.currentTarget.value;
            wrong.value = "";
          }}
        />
        {wrong.value !== "" && (
          <p id="feed-topic-wrong" class="wrong">
            {wrong.value}
          </p>
        )}
      </div>
    </FollowForm>
  );
}
