/** Which file goes into which topic. */
import { useSignal } from "@preact/signals";
import { Upload } from "lucide-preact";
import { useEffect, useRef } from "preact/hooks";
import { useKeptText } from "../../keep/kept";
import { query } from "../../parts/router";
import { BINARY_CALL_BYTES, CALL_BYTES, FILE_BYTES } from "../../rules/imports";
import { sameTopic, size, TOPIC_MAX, topicName, topicOfFile } from "../../rules/topics";
import { count } from "../../rules/when";
import { sentence, type Topic } from "../../server";
import { FirstRows, unsaid } from "./first-rows";
import { importing, isRunning } from "./importing";
import * as inParts from "./in-parts";
import { known as knownOf, lookAt, lookAway, looking, seen } from "./looking";
import * as uploading from "./uploading";

const ACCEPTED = ".csv,.tsv,.txt,.json,.jsonl,.ndjson,.xlsx,text/csv,application/json,application/x-ndjson";

export function ImportForm({ topics }: { topics: readonly Topic[] }) {
  const topic = useKeptText("import-topic");
  const file = useSignal<File | undefined>(undefined);
  const topicWrong = useSignal("");
  const fileWrong = useSignal("");
  const over = useSignal(false);
  const input = useRef<HTMLInputElement>(null);
  const topicInput = useRef<HTMLInputElement>(null);
  const lookWrong = useSignal("");
  const look = looking.value;
  const running = isRunning();

  // Who comes from a topic's page adds to that one.
  useEffect(() => {
    const named = query.peek().get("topic");
    if (named) topic.value = named;
  }, []);

  // A file that is imported is done with; once its result is put away, so is the topic.
  const state = importing.value?.state;
  const before = useRef(state);
  const submitted = useRef<{ file?: File; topic?: string }>({});
  useEffect(() => {
    // What was chosen meanwhile for the next one stays.
    const { file: sent, topic: into } = submitted.current;
    if (state === "done" && file.peek() === sent) {
      file.value = undefined;
      lookAway();
      if (input.current) input.current.value = "";
    }
    if (before.current !== undefined && state === undefined) {
      if (before.current === "done" && file.peek() === undefined && topicName(topic.value) === into)
        topic.clear();
      topicInput.current?.focus();
    }
    before.current = state;
  }, [state]);

  // A file that is looked at goes with the view, as its field does.
  useEffect(() => lookAway, []);

  const refuse = (why: string): void => {
    fileWrong.value = why;
    file.value = undefined;
    lookAway();
  };

  const choose = (chosen: File | undefined): void => {
    fileWrong.value = "";
    lookWrong.value = "";
    if (!chosen) return;
    if (chosen.size === 0) {
      refuse(`“${chosen.name}” is empty.`);
      return;
    }
    if (chosen.size > FILE_BYTES) {
      refuse(
        `“${chosen.name}” is larger than the 200 MB that one import takes. Nothing was sent; cut it into smaller files, and import one after the other.`,
      );
      return;
    }
    file.value = chosen;
    lookAt(chosen);
    if (topic.value.trim() === "") {
      topic.value = topicOfFile(chosen.name);
      topicWrong.value = "";
    }
  };

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (running) return;
    const name = topicName(topic.value);
    topicWrong.value = name === "" ? "Name the topic that the articles belong to." : "";
    if (!file.value && fileWrong.value === "") fileWrong.value = "Choose a file.";
    if (topicWrong.value !== "") topicInput.current?.focus();
    else if (!file.value) input.current?.focus();
    if (name === "" || !file.value) return;
    const chosen = file.value;
    const form = event.currentTarget as HTMLFormElement;
    const now = await seen();
    if (!now || now.file !== chosen || isRunning() || now.state === "failed") return;
    lookWrong.value = unsaid(now);
    if (lookWrong.value !== "") {
      const isColumn = (now.preview?.missing.length ?? 0) > 0;
      form.querySelector<HTMLElement>(isColumn ? ".first-rows select" : ".dates input")?.focus();
      return;
    }
    submitted.current = { file: chosen, topic: name };
    const known = knownOf(now);
    const most = known.cut ? CALL_BYTES : BINARY_CALL_BYTES;
    void (chosen.size > most ? uploading : inParts).start(name, chosen, known);
  };

  const drop = (event: DragEvent): void => {
    event.preventDefault();
    over.value = false;
    const dropped = event.dataTransfer?.files;
    if (dropped && dropped.length > 1)
      fileWrong.value = "One file at a time: drop the next when this one is imported.";
    else choose(dropped?.[0]);
  };

  const known = topics.find((one) => sameTopic(one.name, topic.value));
  return (
    <form
      class="stack"
      noValidate
      onSubmit={(event) => void submit(event)}
      onDragOver={(event) => {
        event.preventDefault();
        over.value = true;
      }}
      onDragLeave={() => {
        over.value = false;
      }}
      onDrop={drop}
    >
      <div class="field">
        <label for="import-topic">Topic</label>
        <input
          id="import-topic"
          ref={topicInput}
          list="import-topics"
          maxLength={TOPIC_MAX}
          autocomplete="off"
          required
          value={topic.value}
          aria-invalid={topicWrong.value !== ""}
          aria-describedby="import-topic-hint"
          onInput={(event) => {
            topic.value = event.currentTarget.value;
            topicWrong.value = "";
          }}
        />
        <datalist id="import-topics">
          {topics.map((one) => (
            <option key={one.name} value={one.name} />
          ))}
        </datalist>
        <p id="import-topic-hint" class={topicWrong.value === "" ? "hint" : "wrong"}>
          {topicWrong.value || hint(topicName(topic.value), known)}
        </p>
      </div>

      <div class={over.value ? "drop over" : "drop"}>
        <div class="field">
          <label for="import-file">File</label>
          <input
            id="import-file"
            ref={input}
            type="file"
            accept={ACCEPTED}
            aria-invalid={fileWrong.value !== ""}
            aria-describedby="import-file-hint"
            onChange={(event) => choose(event.currentTarget.files?.[0])}
          />
          <p id="import-file-hint" class={fileWrong.value === "" ? "hint" : "wrong"}>
            {fileWrong.value ||
              (file.value
                ? `“${file.value.name}”, ${size(file.value.size)}.`
                : "Choose a file of CSV, JSON, JSON Lines or .xlsx, or drop it here. Up to 200 MB.")}
          </p>
        </div>
        {look?.state === "failed" && <p class="wrong">{sentence(look.error)}</p>}
        {look && <FirstRows now={look} wrong={lookWrong.value} />}
      </div>

      <p>
        <button type="submit" class="primary" aria-disabled={running}>
          <Upload class="icon" aria-hidden="true" />
          {running ? "Importing" : "Import"}
        </button>
      </p>
    </form>
  );
}

function hint(name: string, known: Topic | undefined): string {
  if (name === "") return "One that exists, or a new name.";
  if (!known) return `Makes the topic “${name}”.`;
  const sample = known.sample ? ", which is part of the built-in sample" : "";
  return `Adds to “${known.name}”, which has ${count(known.article_count, "article")}${sample}.`;
}
