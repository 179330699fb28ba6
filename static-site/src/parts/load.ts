/** Something asked of the server while a view is shown. */
import { type Signal, useSignal } from "@preact/signals";
import { useCallback, useEffect } from "preact/hooks";

export interface Loaded<T> {
  /** The newest answer; kept while it is asked for again. */
  data: Signal<T | undefined>;
  error: Signal<unknown>;
  loading: Signal<boolean>;
  reload: () => Promise<void>;
}

/** Asks when the view appears, and again whenever one of `inputs` changes. */
export function useLoad<T>(ask: () => Promise<T>, inputs: readonly unknown[] = []): Loaded<T> {
  const data = useSignal<T | undefined>(undefined);
  const error = useSignal<unknown>(undefined);
  const loading = useSignal(true);
  const turn = useSignal(0);
  const reload = useCallback(async () => {
    turn.value += 1;
    const mine = turn.value;
    loading.value = true;
    error.value = undefined;
    try {
      const answer = await ask();
      if (mine === turn.value) data.value = answer;
    } catch (failure) {
      if (mine === turn.value) error.value = failure;
    } finally {
      if (mine === turn.value) loading.value = false;
    }
  }, inputs);
  useEffect(() => {
    void reload();
  }, [reload]);
  return { data, error, loading, reload };
}
