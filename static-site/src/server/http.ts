/**
 * Requests to the workshop's server and what can come of them: an answer, a
 * refusal that says why (RFC 9457), or no answer at all. Nothing else in the
 * page asks it anything.
 */
import { identity } from "./identity";
import type { components } from "./openapi";

export type Problem = components["schemas"]["ProblemBody"];

const NO_ANSWER_MS = 35_000;

/** Said in the server's place once a renewal was refused: it could only answer 401. */
const SIGN_IN_ENDED: Problem = {
  type: "urn:prompt-workshop:problem:sign-in-ended",
  title: "Sign-in ended",
  status: 401,
  detail: "Your sign-in has ended.",
  instance: "",
  errors: [],
};

/** The server understood and refused. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly problem: Problem;
  /** Seconds to wait, where the server named them. */
  readonly retryAfter: number | undefined;

  constructor(problem: Problem, retryAfter?: number) {
    super(problem.detail);
    this.problem = problem;
    this.retryAfter = retryAfter;
  }

  /** The last part of the problem's type: `stale-revision`, `not-found`, … */
  get code(): string {
    return this.problem.type.split(":").at(-1) ?? "";
  }

  get status(): number {
    return this.problem.status;
  }

  /** Whether the same request may succeed later, unchanged. */
  get passes(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

/** No answer came: no network, no server, or nothing within the time. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
  constructor(cause?: unknown) {
    super("The workshop's server doesn't answer.", { cause });
  }
}

/** What to say of a failed request: the server's own sentence, or that there was none. */
export function sentence(error: unknown): string {
  if (error instanceof Refused) {
    const fields = error.problem.errors ?? [];
    return fields.length === 0 ? error.problem.detail : fields.map((field) => field.detail).join(" ");
  }
  if (error instanceof Unreachable) {
    return "The workshop's server doesn't answer. Nothing was changed; try again when it is back.";
  }
  return "The page met an error of its own. Reload it; what you typed is kept.";
}

export interface Call {
  body?: unknown;
  /** A body that isn't JSON, with its type. */
  raw?: { type: string; data: Blob };
  headers?: Record<string, string>;
  signal?: AbortSignal;
  timeoutMs?: number;
  /** Sent even while the page is being closed. */
  keepalive?: boolean;
}

/** Sends a request; throws `Refused` or `Unreachable`, or what aborted it. */
export async function send(method: string, path: string, call: Call = {}): Promise<Response> {
  if (identity.hasEnded()) throw new Refused(SIGN_IN_ENDED);
  const token = identity.token();
  const answer = await attempt(method, path, call, token);
  if (answer.status !== 401) return answered(answer);
  const renewal = await identity.renew(token);
  // Who can't be asked for a new token is as far away as the server: the request can be repeated later.
  if (renewal === "unreachable") throw new Unreachable();
  // The token had expired and there is a new one: once more, with that.
  if (renewal === "renewed") return answered(await attempt(method, path, call, identity.token()));
  if (identity.hasEnded()) throw new Refused(SIGN_IN_ENDED);
  return answered(answer);
}

/** Sends a request and reads its JSON answer. */
export async function ask<T>(method: string, path: string, call: Call = {}): Promise<T> {
  const answer = await send(method, path, call);
  try {
    return (await answer.json()) as T;
  } catch (error) {
    throw new Unreachable(error);
  }
}

async function attempt(
  method: string,
  path: string,
  call: Call,
  token: string | undefined,
): Promise<Response> {
  const headers: Record<string, string> = { ...call.headers };
  if (call.body !== undefined) headers["content-type"] = "application/json";
  if (call.raw) headers["content-type"] = call.raw.type;
  if (token) headers.authorization = `Bearer ${token}`;
  const timeout = AbortSignal.timeout(call.timeoutMs ?? NO_ANSWER_MS);
  const signals = call.signal ? [call.signal, timeout] : [timeout];
  try {
    return await fetch(path, {
      method,
      headers,
      body: call.raw?.data ?? (call.body === undefined ? null : JSON.stringify(call.body)),
      signal: AbortSignal.any(signals),
      keepalive: call.keepalive ?? false,
      cache: "no-store",
    });
  } catch (error) {
    if (call.signal?.aborted) throw error;
    throw new Unreachable(error);
  }
}

async function answered(answer: Response): Promise<Response> {
  if (answer.ok || answer.status === 304) return answer;
  const wait = Number(answer.headers.get("retry-after") ?? Number.NaN);
  throw new Refused(await problemOf(answer), Number.isFinite(wait) ? wait : undefined);
}

async function problemOf(answer: Response): Promise<Problem> {
  try {
    const body = (await answer.json()) as Partial<Problem>;
    if (typeof body.detail === "string" && typeof body.type === "string") return body as Problem;
  } catch {
    // Not the workshop's own answer: something between here and there refused.
  }
  return {
    type: "urn:prompt-workshop:problem:unavailable",
    title: "No usable answer",
    status: answer.status,
    detail: `The server answered with an error (${answer.status}) and didn't say why. Nothing was changed; try again.`,
    instance: "",
    errors: [],
  };
}
