import { Page } from "../shell";

export function Settings() {
  return <Page title="Settings">…</Page>;
}
