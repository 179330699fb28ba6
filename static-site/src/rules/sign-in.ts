/** What holds of signing in, whoever the identity provider is. */

/** Why someone who isn't signed in reads more than the invitation to do so. */
export type Reason =
  | "out"
  | "out-offline"
  | "out-elsewhere"
  | "offline"
  | "unreachable"
  | "denied"
  | "unfinished"
  | "failed";

/** Whether an address is the one that the provider sends people back to (RFC 6749, 4.1.2). */
export function isReturn(address: URL): boolean {
  const has = (name: string): boolean => address.searchParams.has(name);
  return address.pathname === "/" && ((has("code") && has("state")) || has("error"));
}

/** The page's own address to come back to, out of what was kept of it; anything else is the first view. */
export function returnPath(kept: unknown, origin: string): string {
  const to = typeof kept === "object" && kept !== null && "to" in kept ? kept.to : undefined;
  if (typeof to !== "string" || !to.startsWith("/")) return "/";
  try {
    const address = new URL(to, origin);
    if (address.origin !== origin || isReturn(address)) return "/";
    return address.pathname + address.search + address.hash;
  } catch {
    return "/";
  }
}

/** What a person is called: by the claims that they know themselves by. */
export function nameOf(profile: Record<string, unknown>): string {
  const claims = ["email", "preferred_username", "cognito:username", "username", "name", "sub"];
  const names = claims.map((claim) => profile[claim]);
  return names.find((name): name is string => typeof name === "string" && name !== "") ?? "";
}

const EARLY_MS = 60_000;

/**
 * When to ask for the next token, in milliseconds: a minute before the present
 * one expires, and half-way where it doesn't live for two.
 */
export function renewAt(obtained: number, expires: number): number {
  return Math.max(obtained, expires - Math.min(EARLY_MS, (expires - obtained) / 2));
}

const AGAIN_FIRST_MS = 5_000;
const AGAIN_LONGEST_MS = 60_000;

/** How long to wait after so many renewals in a row that got no answer. */
export function retryAfter(failures: number): number {
  return Math.min(AGAIN_LONGEST_MS, AGAIN_FIRST_MS * 2 ** Math.min(failures - 1, 10));
}

/** The errors of a token endpoint after which the same request is never granted (RFC 6749, 5.2). */
const FINAL = new Set([
  "invalid_request",
  "invalid_client",
  "invalid_grant",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
]);

/** Whether a token endpoint has refused for good: anything else may pass. */
export const isFinal = (error: unknown): boolean => FINAL.has(codeOf(error));

/** The error code that the provider gave; empty where it gave none. */
const codeOf = (error: unknown): string =>
  error instanceof Error && "error" in error && typeof error.error === "string" ? error.error : "";

/** What to say when coming back from the provider failed. `told` is the `error` of the address. */
export function reasonOf(error: unknown, told: string | null): Reason {
  if (told === "access_denied") return "denied";
  if (told !== null) return "failed";
  // A code is good once: refused, it was used before or took too long. Without a kept state it isn't this tab's.
  if (isFinal(error) || (error instanceof Error && /state/i.test(error.message))) return "unfinished";
  return error instanceof TypeError || (error instanceof Error && error.name === "ErrorTimeout")
    ? "unreachable"
    : "failed";
}

/** Cognito's address for signing out, which takes its own parameters for the standard's. */
export function cognitoSignOut(endpoint: string, client: string, to: string): string {
  const address = new URL(endpoint);
  address.searchParams.set("client_id", client);
  address.searchParams.set("logout_uri", to);
  return address.href;
}
