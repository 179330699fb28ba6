import { Page } from "../shell";

export function Dashboard() {
  return <Page title="Dashboard">…</Page>;
}
