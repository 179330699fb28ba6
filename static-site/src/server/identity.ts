/**
 * Who the page speaks as. On one machine nobody signs in: without a token the
 * server takes you for its own user, and the machine's sign-in hands out tokens
 * for trying out what other people see. A token belongs to one tab.
 */
import { signal } from "@preact/signals";

const KEY = "identity";

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

let renewing: Promise<boolean> | null = null;

export const identity = {
  /** The name signed in with; empty for the machine's own user. */
  user: (): string => kept.value?.user ?? "",

  token: (): string | undefined => kept.value?.token,

  /** Signs in on this machine as anyone. False when the name was refused. */
  async signIn(user: string): Promise<boolean> {
    const token = await localToken(user);
    if (token === null) return false;
    keep({ user, token });
    return true;
  },

  signOut: (): void => keep(null),

  /**
   * After a 401: a new token for the same person. False when there is none,
   * and the request stays refused. Requests that are refused together renew once.
   */
  renew(): Promise<boolean> {
    const user = kept.value?.user;
    if (user === undefined) return Promise.resolve(false);
    renewing ??= identity.signIn(user).finally(() => {
      renewing = null;
    });
    return renewing;
  },
};

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
