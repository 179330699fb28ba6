import { Page } from "../shell";

export function Home() {
  return <Page title="Home">…</Page>;
}
