import { Page } from "../shell";

export function TopicPage({ name }: { name: string }) {
  return <Page title={name}>…</Page>;
}
