/** A run that is looked at for as long as it is shown. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Runs, Watched } from "../../draft/runs";

export function useWatched(runs: Runs, id: string): Watched | null {
  const watched = useSignal<Watched | null>(null);
  useEffect(() => {
    const made = new Watched(runs, id);
    watched.value = made;
    return () => made.close();
  }, [id]);
  return watched.value;
}
