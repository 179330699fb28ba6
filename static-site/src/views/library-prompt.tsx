import { Page } from "../shell";

export function LibraryPrompt({ name }: { name: string }) {
  return <Page title={name}>…</Page>;
}
