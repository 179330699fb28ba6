import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ask, Refused, send, sentence, Unreachable } from "./http";
import { identity } from "./identity";

type Answering = (path: string, request: RequestInit) => Response | Promise<Response>;

/** Stands in for the network; returns the requests that were made. */
function network(answering: Answering): { path: string; headers: Record<string, string>; body: unknown }[] {
  const requests: { path: string; headers: Record<string, string>; body: unknown }[] = [];
  vi.stubGlobal("fetch", async (path: string, request: RequestInit) => {
    requests.push({ path, headers: request.headers as Record<string, string>, body: request.body });
    return answering(path, request);
  });
  return requests;
}

const problem = (
  status: number,
  code: string,
  more: object = {},
  headers: Record<string, string> = {},
): Response =>
  Response.json(
    {
      type: `urn:prompt-workshop:problem:${code}`,
      title: code,
      status,
      detail: `It is ${code}.`,
      instance: "7",
      errors: [],
      ...more,
    },
    { status, headers: { "content-type": "application/problem+json", ...headers } },
  );

const failure = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => expect.unreachable("It was answered."),
    (error: unknown) => error,
  );

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
});

afterEach(() => {
  identity.signOut();
  vi.unstubAllGlobals();
});

test("an answer is its JSON", async () => {
  const requests = network(() => Response.json({ revision: 2 }));
  expect(await ask("PUT", "/api/x", { body: { a: "ü" }, headers: { "if-match": '"1"' } })).toEqual({
    revision: 2,
  });
  expect(requests).toEqual([
    { path: "/api/x", headers: { "content-type": "application/json", "if-match": '"1"' }, body: '{"a":"ü"}' },
  ]);
});

test("not modified is an answer", async () => {
  network(() => new Response(null, { status: 304 }));
  expect((await send("GET", "/api/x")).status).toBe(304);
});

describe("a refusal", () => {
  test("carries its problem", async () => {
    network(() => problem(412, "stale-revision", { current: { revision: 3 } }));
    const error = await failure(ask("PUT", "/api/x"));
    expect(error).toBeInstanceOf(Refused);
    expect(error).toMatchObject({ status: 412, code: "stale-revision", passes: false });
    expect((error as Refused).problem.current).toEqual({ revision: 3 });
    expect(sentence(error)).toBe("It is stale-revision.");
  });

  test("of fields says what is wrong with each", async () => {
    const errors = [
      { pointer: "/a", detail: "A name needs at least 3 characters." },
      { pointer: "/b", detail: "A title needs at least 5." },
    ];
    network(() => problem(422, "invalid", { errors }));
    expect(sentence(await failure(ask("POST", "/api/x")))).toBe(
      "A name needs at least 3 characters. A title needs at least 5.",
    );
  });

  test("says how long to wait, where the server does", async () => {
    network(() => problem(429, "rate-limited", {}, { "retry-after": "30" }));
    expect(await failure(ask("POST", "/api/x"))).toMatchObject({ retryAfter: 30, passes: true });
  });

  test("without a time, or with one that isn't in seconds, names none", async () => {
    network(() => problem(503, "unavailable"));
    expect(await failure(ask("GET", "/api/x"))).toMatchObject({ retryAfter: undefined, passes: true });
    network(() => problem(503, "unavailable", {}, { "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT" }));
    expect(await failure(ask("GET", "/api/x"))).toMatchObject({ retryAfter: undefined });
  });

  test("by something that isn't the workshop is told with its status", async () => {
    network(
      () => new Response("<h1>Bad Gateway</h1>", { status: 502, headers: { "content-type": "text/html" } }),
    );
    const error = await failure(ask("GET", "/api/x"));
    expect(error).toMatchObject({ name: "Refused", status: 502, passes: true });
    expect(sentence(error)).toContain("502");
  });

  test("in JSON that is no problem is told with its status", async () => {
    network(() => Response.json({ message: "Forbidden" }, { status: 403 }));
    expect(await failure(ask("GET", "/api/x"))).toMatchObject({ status: 403, passes: false });
  });
});

describe("no answer", () => {
  test("is told apart from a refusal", async () => {
    network(() => {
      throw new TypeError("Failed to fetch");
    });
    expect(await failure(ask("GET", "/api/x"))).toBeInstanceOf(Unreachable);
  });

  test("is also one that is cut off", async () => {
    network(() => new Response('{"half":', { status: 200 }));
    expect(await failure(ask("GET", "/api/x"))).toBeInstanceOf(Unreachable);
  });

  test("that the page itself gave up is not the server's", async () => {
    const giveUp = new AbortController();
    network((_, request) => {
      giveUp.abort();
      request.signal?.throwIfAborted();
      return new Response();
    });
    const error = await failure(ask("GET", "/api/x", { signal: giveUp.signal }));
    expect(error).toMatchObject({ name: "AbortError" });
  });
});

describe("a token that has expired", () => {
  let issued = 0;

  /** A server that takes only the newest of the tokens that it gives out. */
  function server(): ReturnType<typeof network> {
    return network((path, request) => {
      if (path === "/local/token") {
        issued += 1;
        return Response.json({ access_token: `token ${issued}` });
      }
      const { authorization } = request.headers as Record<string, string>;
      return authorization === `Bearer token ${issued}`
        ? Response.json({ is: "mine" })
        : problem(401, "unauthorized");
    });
  }

  test("is renewed and the request sent once more", async () => {
    const requests = server();
    await identity.signIn("ada");
    issued += 1;
    expect(await ask("PUT", "/api/x", { body: { a: 1 } })).toEqual({ is: "mine" });
    expect(requests.map(({ path }) => path)).toEqual(["/local/token", "/api/x", "/local/token", "/api/x"]);
    expect(requests.at(-1)?.body).toBe('{"a":1}');
  });

  test("is renewed once by requests that are refused together", async () => {
    const requests = server();
    await identity.signIn("ada");
    issued += 1;
    await Promise.all([ask("GET", "/api/x"), ask("GET", "/api/y"), ask("GET", "/api/z")]);
    expect(requests.filter(({ path }) => path === "/local/token")).toHaveLength(2);
  });

  test("whose successor is refused as well is a refusal, not a loop", async () => {
    const requests = network((path) =>
      path === "/local/token" ? Response.json({ access_token: "bad" }) : problem(401, "unauthorized"),
    );
    await identity.signIn("ada");
    expect(await failure(ask("GET", "/api/x"))).toMatchObject({ status: 401 });
    expect(requests.filter(({ path }) => path === "/api/x")).toHaveLength(2);
  });

  test("that can't be renewed leaves the refusal", async () => {
    const requests = network((path) =>
      path === "/local/token" ? Response.json({ access_token: "old" }) : problem(401, "unauthorized"),
    );
    await identity.signIn("ada");
    const before = requests.length;
    network(() => problem(401, "unauthorized"));
    expect(await failure(ask("GET", "/api/x"))).toMatchObject({ status: 401 });
    expect(before).toBe(1);
  });

  test("of nobody is not renewed", async () => {
    const requests = network(() => problem(401, "unauthorized"));
    expect(await failure(ask("GET", "/api/x"))).toMatchObject({ status: 401 });
    expect(requests).toHaveLength(1);
  });
});
