/** The whole library, page after page: a search that looked through a part of it would lie. */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { listPrompts, type Prompt } from "../../server";

export interface AllPrompts {
  /** Those that have come so far. */
  prompts: Signal<Prompt[]>;
  /** How many there are, once that is known. */
  total: Signal<number | undefined>;
  loading: Signal<boolean>;
  error: Signal<unknown>;
  /** Goes on from where it failed. */
  resume: () => void;
}

export function useAllPrompts(): AllPrompts {
  const prompts = useSignal<Prompt[]>([]);
  const total = useSignal<number | undefined>(undefined);
  const loading = useSignal(true);
  const error = useSignal<unknown>(undefined);
  const cursor = useRef<string | null>(null);
  const gone = useRef(false);

  const resume = async (): Promise<void> => {
    loading.value = true;
    error.value = undefined;
    try {
      do {
        const page = await listPrompts(cursor.current);
        if (gone.current) return;
        // A prompt that changed meanwhile can stand on two pages.
        const known = new Set(prompts.value.map((prompt) => prompt.name));
        prompts.value = [...prompts.value, ...page.prompts.filter((prompt) => !known.has(prompt.name))];
        total.value = page.total;
        cursor.current = page.next_cursor ?? null;
      } while (cursor.current !== null);
    } catch (failure) {
      error.value = failure;
    } finally {
      loading.value = false;
    }
  };

  useEffect(() => {
    void resume();
    return () => {
      gone.current = true;
    };
  }, []);

  return { prompts, total, loading, error, resume: () => void resume() };
}
