/** Which model answers. */
import type { Signal } from "@preact/signals";
import type { Model } from "../server";
import { chosenModel } from "./models";

export function ModelChoice({
  id,
  models,
  model,
  isLabelled = true,
}: {
  id: string;
  models: Model[] | undefined;
  model: Signal<string>;
  isLabelled?: boolean;
}) {
  const chosen = chosenModel(models, model.value);
  return (
    <>
      <label for={id} class={isLabelled ? "" : "visually-hidden"}>
        Model
      </label>
      <select
        id={id}
        value={chosen?.id ?? ""}
        disabled={!models || models.length === 0}
        onChange={(event) => {
          model.value = event.currentTarget.value;
        }}
      >
        {!models && <option value="">Asking which</option>}
        {models?.length === 0 && <option value="">None yet</option>}
        {models?.map((known) => (
          <option key={known.id} value={known.id}>
            {known.label}
            {known.state === "ready" ? "" : known.state === "starting" ? " (starting)" : " (not running)"}
          </option>
        ))}
      </select>
    </>
  );
}

/** What a person should know before asking a model that can't answer yet. */
export function ModelState({ models, model }: { models: Model[] | undefined; model: Signal<string> }) {
  const chosen = chosenModel(models, model.value);
  if (models && !chosen) {
    return (
      <p class="hint">
        No model is set up. <a href="/settings">How to add one</a>
      </p>
    );
  }
  if (!chosen || chosen.state === "ready") return null;
  return (
    <p class="hint" role="status">
      {chosen.detail ??
        (chosen.state === "starting"
          ? `${chosen.label} is starting.`
          : `${chosen.label} isn't running.`)}{" "}
      {chosen.state === "failed" && <a href="/settings">What to do</a>}
    </p>
  );
}
