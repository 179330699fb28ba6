/** The models of the deployment, asked for again while one of them is starting. */
import { type ReadonlySignal, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { listModels, type Model } from "../server";

const STARTING_MS = 3_000;
/** A model that takes longer than half an hour to start is looked at when the page is opened again. */
const LOOKS = 600;

const models = signal<Model[] | undefined>(undefined);
let asking = false;

async function ask(): Promise<void> {
  if (asking) return;
  asking = true;
  try {
    for (let look = 0; look < LOOKS; look += 1) {
      try {
        models.value = await listModels();
        if (!models.value.some((model) => model.state === "starting")) return;
      } catch {
        // Shown where a model is needed; here it is only tried again.
      }
      await new Promise((resolve) => setTimeout(resolve, STARTING_MS));
    }
  } finally {
    asking = false;
  }
}

/** The models; undefined until the server has said which. */
export function useModels(): ReadonlySignal<Model[] | undefined> {
  useEffect(() => {
    void ask();
  }, []);
  return models;
}

/** The model of that id, or the deployment's default. */
export function chosenModel(known: Model[] | undefined, id: string): Model | undefined {
  return known?.find((model) => model.id === id) ?? known?.find((model) => model.default) ?? known?.[0];
}
