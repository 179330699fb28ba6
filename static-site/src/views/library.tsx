import { Page } from "../shell";

export function Library() {
  return <Page title="Library">…</Page>;
}
