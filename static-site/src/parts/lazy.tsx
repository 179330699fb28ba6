/** A component whose code is fetched when it is first shown. */
import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { Notice, Working } from "./notice";

export function lazy<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  const loaded = signal<ComponentType<Props> | undefined>(undefined);
  const failed = signal(false);
  const fetchIt = async (): Promise<void> => {
    failed.value = false;
    try {
      loaded.value = await load();
    } catch {
      failed.value = true;
    }
  };
  return function Lazy(props: Props) {
    useEffect(() => {
      if (!loaded.value) void fetchIt();
    }, []);
    const Loaded = loaded.value;
    if (Loaded) return <Loaded {...props} />;
    if (!failed.value) return <Working />;
    const retry = (
      <button type="button" onClick={() => void fetchIt()}>
        Try again
      </button>
    );
    return (
      <Notice kind="bad" actions={retry}>
        This part of the page could not be fetched. What you typed is kept. If a newer version of the page was
        installed meanwhile, reload.
      </Notice>
    );
  };
}
