import { Page } from "../shell";

export function Workshop() {
  return <Page title="Workshop">…</Page>;
}
