import { expect, test } from "vitest";
import { events } from "./events";

/** The events of a body that arrives in these pieces. */
async function read(pieces: Uint8Array[], onSign?: () => void): Promise<string[]> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  const found: string[] = [];
  for await (const data of events(body, onSign)) found.push(data);
  return found;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const whole = (text: string): Promise<string[]> => read([bytes(text)]);

/** The same wherever the bytes are split, and one by one. */
async function anyhow(text: string, expected: string[]): Promise<void> {
  const all = bytes(text);
  for (let at = 0; at <= all.length; at += 1) {
    expect(await read([all.slice(0, at), all.slice(at)]), `split at ${at}`).toEqual(expected);
  }
  expect(await read([...all].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
}

test("each event's data comes, wherever its bytes are split", async () => {
  await anyhow('data: {"content":"Zürich 🧭"}\n\ndata: {"done":true}\n\n', [
    '{"content":"Zürich 🧭"}',
    '{"done":true}',
  ]);
});

test("lines may end in CRLF", async () => {
  await anyhow("data: a\r\n\r\ndata: b\r\ndata: c\r\n\r\n", ["a", "b\nc"]);
});

test("several data lines are one event of several lines", async () => {
  expect(await whole("data: a\ndata:\ndata: b\n\n")).toEqual(["a\n\nb"]);
});

test("one space after the colon is not of the data, a second is", async () => {
  expect(await whole("data:a\n\ndata:  b\n\n")).toEqual(["a", " b"]);
});

test("comments and other fields are no data, but signs of life", async () => {
  let signs = 0;
  const found = await read(
    [bytes(": alive\n\n"), bytes(": alive\n\n"), bytes("id: 1\nevent: x\ndata: a\n\n")],
    () => {
      signs += 1;
    },
  );
  expect(found).toEqual(["a"]);
  expect(signs).toBe(3);
});

test("an event that is cut off at the end is dropped", async () => {
  expect(await whole("data: a\n\ndata: b")).toEqual(["a"]);
  expect(await whole("data: a\n\ndata: b\n")).toEqual(["a"]);
});

test("who stops listening closes the connection", async () => {
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(bytes("data: a\n\n")),
    cancel: () => {
      isCancelled = true;
    },
  });
  for await (const data of events(body)) {
    expect(data).toBe("a");
    break;
  }
  expect(isCancelled).toBe(true);
});

test("a connection that breaks is an error, after what arrived", async () => {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes("data: a\n\n")),
    pull: (controller) => controller.error(new TypeError("network error")),
  });
  const found: string[] = [];
  const reading = (async () => {
    for await (const data of events(body)) found.push(data);
  })();
  await expect(reading).rejects.toThrow("network error");
});
