/**
 * Who the page speaks as. On one machine nobody signs in: without a token the
 * server takes you for its own user, and the machine's sign-in hands out tokens
 * for trying out what other people see. A deployment has an identity provider
 * (sign-in/), which then takes the machine's place. A token belongs to one tab.
 */
import { signal } from "@preact/signals";

const KEY = "identity";

/** What came of asking for a new token. */
export type Renewal =
  | "renewed"
  /** No answer, so nothing is known: it is tried again, and nobody is signed out by it. */
  | "unreachable"
  /** There is no new token without signing in again. */
  | "refused";

/** Signing in with an identity provider; its code is fetched only where the configuration names one. */
export interface Provider {
  /** Who it is, as long as the provider knows them; empty for nobody. */
  user(): string;
  token(): string | undefined;
  /** True once a renewal was refused: nothing is asked of the server until someone signs in again. */
  hasEnded(): boolean;
  renew(): Promise<Renewal>;
}

interface Kept {
  user: string;
  token: string;
}

const kept = signal<Kept | null>(load());

function load(): Kept | null {
  try {
    const text = sessionStorage.getItem(KEY);
    return text === null ? null : (JSON.parse(text) as Kept);
  } catch {
    return null;
  }
}

function keep(next: Kept | null): void {
  kept.value = next;
  try {
    if (next) sessionStorage.setItem(KEY, JSON.stringify(next));
    else sessionStorage.removeItem(KEY);
  } catch {
    // Without storage it lasts until the page is left.
  }
}

const provider = signal<Provider | null>(null);
let renewing: Promise<Renewal> | null = null;

export const identity = {
  /** Puts an identity provider in the place of the machine's sign-in. */
  use(next: Provider): void {
    provider.value = next;
  },

  /** Whether people sign in, as they do where the workshop is deployed. */
  isProvided: (): boolean => provider.value !== null,

  /** Whose texts are kept and shown in this tab; empty for the machine's own user. */
  user: (): string => provider.value?.user() ?? kept.value?.user ?? "",

  token: (): string | undefined => (provider.value ? provider.value.token() : kept.value?.token),

  hasEnded: (): boolean => provider.value?.hasEnded() ?? false,

  /** Signs in on this machine as anyone. False when the name was refused. */
  async signIn(user: string): Promise<boolean> {
    const token = await localToken(user);
    if (token === null) return false;
    keep({ user, token });
    return true;
  },

  signOut: (): void => keep(null),

  /**
   * After a 401 for a request with the token `refused`: a new one for the same
   * person. Requests that are refused together renew once, also when the answer
   * to one of them comes after the renewal.
   */
  renew(refused: string | undefined): Promise<Renewal> {
    const token = identity.token();
    if (token !== undefined && token !== refused) return Promise.resolve("renewed");
    renewing ??= (provider.value ? provider.value.renew() : renewHere()).finally(() => {
      renewing = null;
    });
    return renewing;
  },
};

async function renewHere(): Promise<Renewal> {
  const user = kept.value?.user;
  return user !== undefined && (await identity.signIn(user)) ? "renewed" : "refused";
}

async function localToken(user: string): Promise<string | null> {
  try {
    const answer = await fetch("/local/token", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ user }),
      signal: AbortSignal.timeout(10_000),
    });
    if (!answer.ok) return null;
    const body = (await answer.json()) as { access_token?: string };
    return body.access_token ?? null;
  } catch {
    return null;
  }
}
