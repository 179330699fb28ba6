import { Page } from "../shell";

export function Topics() {
  return <Page title="Topics">…</Page>;
}
