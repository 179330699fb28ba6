/** What a test has the server hold before it looks at the page: messages, runs, articles. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Machine } from "./machine";
import { BUILT } from "./places";

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
  if (!answer.ok || !said.includes('"done"'))
    throw new Error(`The answer broke off: ${answer.status} ${said}`);
}

/** Runs a test of the draft and waits until it is over. */
export async function tested(
  machine: Machine,
  draft: string,
  order: { query: string; topic?: string },
): Promise<Run> {
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
  await machine.ask("POST", `/auspex/prompts/workshop/drafts/${draft}/commit`, prompt, {
    "if-match": `"${revision}"`,
  });
}

/** Imports articles into a topic, which makes it; every one of them must be taken. */
export async function articles(
  machine: Machine,
  topic: string,
  given: Record<string, unknown>[],
): Promise<void> {
  const answer = await fetch(`${machine.url}/api/topics/${encodeURIComponent(topic)}/articles`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: given.map((article) => JSON.stringify(article)).join("\n"),
  });
  const told = await answer.text();
  if (!answer.ok || JSON.parse(told).rejected_total !== 0) throw new Error(`Not imported: ${told}`);
}

/** Lines of `largeFile` that are longer than any may be. */
export const LONG_LINES = 26;

/**
 * A file that is too large to be imported directly, and soon read: some
 * articles before long lines, more of them amid those.
 */
export function largeFile(before: Record<string, unknown>[], amid: Record<string, unknown>[] = []): Buffer {
  const lines = (given: Record<string, unknown>[]): string =>
    given.map((article) => `${JSON.stringify(article)}\n`).join("");
  const long = lines([{ title: "x".repeat(245_000) }]).repeat(LONG_LINES / 2);
  return Buffer.from(lines(before) + long + lines(amid) + long);
}

/**
 * Has a topic's feeds looked at last two minutes ago: within one, a feed isn't
 * collected again. The embedded DynamoDB is told, since a test can't wait.
 */
export async function rested(machine: Machine, topic: string): Promise<void> {
  const { feeds } = await machine.ask<{ feeds: { id: string }[] }>(
    "GET",
    `/topics/${encodeURIComponent(topic)}/feeds`,
  );
  for (const { id } of feeds) {
    const answer = await fetch(machine.dynamodb, {
      method: "POST",
      headers: {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": "DynamoDB_20120810.UpdateItem",
        // It asks for a signature, as the real one does, and for none in particular.
        "x-amz-date": "20260101T000000Z",
        authorization:
          "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
      },
      body: JSON.stringify({
        TableName: "workshop-articles",
        Key: { pk: { S: `TOPIC#${topic.toLowerCase()}` }, sk: { S: `F#${id}` } },
        ConditionExpression: "attribute_exists(pk)",
        UpdateExpression: "SET last_checked_at = :then",
        ExpressionAttributeValues: { ":then": { S: new Date(Date.now() - 120_000).toISOString() } },
      }),
    });
    if (!answer.ok) throw new Error(`The feed isn't changed: ${answer.status} ${await answer.text()}`);
  }
}

/** As long as a draft can be. */
export const LETTERS = 100_000;

/** What a long prompt looks like: headings, lists, paragraphs of some lines. */
export function longText(letters: number): string {
  const lines: string[] = [];
  for (let number = 1, size = 0; size < letters; number += 1) {
    const line =
      number % 12 === 1
        ? `## Part ${number}`
        : number % 3 === 0
          ? `- Cite **source ${number}** as a [link](https://example.com/${number}), with its date and its outlet.`
          : `Rule ${number}: of each survey, give the size of its sample and who paid for it; leave out what has neither.`;
    lines.push(line);
    size += line.length + 1;
  }
  return lines.join("\n").slice(0, letters);
}

/** Gives a draft a history of that many runs, by `cargo build -p tests --example seed_history`. */
export async function seeded(machine: Machine, draft: string, runs: number): Promise<void> {
  const given = ["--dynamodb", machine.dynamodb, "--user", "local", "--draft", draft, "--runs", String(runs)];
  await promisify(execFile)(join(BUILT, "examples/seed_history"), given);
}
