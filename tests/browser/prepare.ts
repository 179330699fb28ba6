/** What a test has the server hold before it looks at the page: messages, runs, articles. */
import type { Machine } from "./machine";

export interface Run {
  test_id: string;
  status: string;
  full_response: string;
}

/** Sends a message in a draft's conversation and waits until it is answered. */
export async function converse(machine: Machine, draft: string, text: string): Promise<void> {
  const answer = await fetch(`${machine.url}/api/auspex/chat/message`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ chat_id: draft, message: text }),
  });
  const said = await answer.text();
  if (!answer.ok || !said.includes('"done"')) throw new Error(`The answer broke off: ${answer.status} ${said}`);
}

/** Runs a test of the draft and waits until it is over. */
export async function tested(machine: Machine, draft: string, order: { query: string; topic?: string }): Promise<Run> {
  const path = `/auspex/prompts/workshop/drafts/${draft}/test`;
  const { test_id } = await machine.ask<Run>("POST", path, {
    test_query: order.query,
    topic: order.topic ?? "AI Adoption",
    limit: 5,
  });
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    const run = await machine.ask<Run>("GET", `${path}s/${test_id}`);
    if (!["queued", "running"].includes(run.status)) return run;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Run ${test_id} is still not over`);
}

/** Puts the draft into the library; the prompt's name. */
export async function commit(
  machine: Machine,
  draft: string,
  prompt: { name: string; title: string; description?: string },
): Promise<void> {
  const { revision } = await machine.saved(draft);
  await machine.ask("POST", `/auspex/prompts/workshop/drafts/${draft}/commit`, prompt, { "if-match": `"${revision}"` });
}

/** Imports articles into a topic, which makes it; every one of them must be taken. */
export async function articles(machine: Machine, topic: string, given: Record<string, unknown>[]): Promise<void> {
  const answer = await fetch(`${machine.url}/api/topics/${encodeURIComponent(topic)}/articles`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: given.map((article) => JSON.stringify(article)).join("\n"),
  });
  const told = await answer.text();
  if (!answer.ok || JSON.parse(told).rejected_total !== 0) throw new Error(`Not imported: ${told}`);
}
