/**
 * Signing in with an identity provider: OpenID Connect, by authorization code
 * with PKCE, and by refresh token from then on. No frame is ever opened, which
 * the page's policy wouldn't allow.
 *
 * A tab has tokens of its own, in its session storage. Tabs then can't use up
 * each other's refresh token where the provider gives a new one each time, and
 * closing a tab forgets them. A new tab costs a redirect and no typing: the
 * provider still knows who is there.
 */
import { type Signal, signal } from "@preact/signals";
import { OidcClient, type SigninResponse, WebStorageStateStore } from "oidc-client-ts";
import {
  cognitoSignOut,
  isFinal,
  isReturn,
  nameOf,
  type Reason,
  reasonOf,
  renewAt,
  retryAfter,
  returnPath,
} from "../rules/sign-in";
import type { Oidc, Provider, Renewal } from "../server";

/** Everything it needs of the browser. */
export interface World {
  origin: string;
  /** What lasts as long as the tab. */
  tab: Storage;
  /** What all tabs share. */
  browser: Storage;
  now(): number;
  /** Whether another site can be reached: leaving for it without a network would end in the browser's error page. */
  isOnline(): Promise<boolean>;
  /** Runs `act` after `ms`; returns what prevents it. */
  later(ms: number, act: () => void): () => void;
  /** Leaves the page for another site; the browser's history has no step for it. */
  leave(address: string): void;
}

/** Where someone stands. */
export type Standing =
  | { is: "out"; why: Reason | null }
  /** On the way to the provider. */
  | { is: "leaving" }
  | { is: "in" }
  /** A renewal was refused: what is on screen stays, and nothing is asked of the server. */
  | { is: "ended"; why: Reason | null };

interface Kept {
  sub: string;
  name: string;
  token: string;
  refresh: string | null;
  id: string | null;
  obtained: number;
  /** In milliseconds; null where the provider doesn't say. */
  expires: number | null;
}

const KEY = "sign-in";
/** In the browser's storage while someone is signed in: then a new tab is led on to the provider directly. */
const KNOWN = "signed-in";
const STATES = "oidc.";
const NO_ANSWER_MS = 10_000;
const REVOKED_WITHIN_MS = 4_000;

export class SignIn implements Provider {
  readonly standing: Signal<Standing> = signal({ is: "out", why: null });
  readonly #kept: Signal<Kept | null> = signal(null);
  readonly #config: Oidc;
  readonly #world: World;
  readonly #client: OidcClient;
  #renewing: Promise<Renewal> | null = null;
  #failures = 0;
  #cancelTimer: () => void = () => {};

  constructor(config: Oidc, world: World) {
    this.#config = config;
    this.#world = world;
    this.#client = new OidcClient({
      authority: config.authority,
      client_id: config.client_id,
      scope: config.scope,
      redirect_uri: `${world.origin}/`,
      post_logout_redirect_uri: `${world.origin}/`,
      // With the tokens in it: whoever comes back comes back to the tab that left.
      stateStore: new WebStorageStateStore({ store: world.tab, prefix: STATES }),
      requestTimeoutInSeconds: NO_ANSWER_MS / 1_000,
      ...(config.metadata ? { metadata: config.metadata } : {}),
    });
  }

  readonly user = (): string => this.#kept.value?.sub ?? "";
  readonly name = (): string => this.#kept.value?.name ?? "";
  readonly hasEnded = (): boolean => this.standing.value.is === "ended";
  readonly token = (): string | undefined => (this.hasEnded() ? undefined : this.#kept.value?.token);

  /**
   * Takes up what the provider sends back in the page's address, or what this
   * tab has kept. Returns the address that the page is to show from now on,
   * where it is another.
   */
  async begin(address: URL): Promise<string | null> {
    this.#kept.value = this.#load();
    if (isReturn(address)) return this.#comeBack(address);
    const kept = this.#kept.value;
    if (!kept) return null;
    this.standing.value = { is: "in" };
    // Asked now, while there is nothing on screen yet that a refusal would interrupt.
    if (kept.expires !== null && kept.expires <= this.#world.now()) await this.renew();
    else this.#schedule();
    if (this.hasEnded()) this.#drop(null);
    return null;
  }

  async #comeBack(address: URL): Promise<string> {
    let to = "/";
    try {
      const { state } = await this.#client.readSigninResponseState(address.href);
      to = returnPath(state.data, this.#world.origin);
      this.#take(await within(NO_ANSWER_MS, this.#client.processSigninResponse(address.href)));
    } catch (error) {
      // Someone who is signed in already came upon an old address of it.
      if (!this.#kept.value) {
        const why = reasonOf(error, address.searchParams.get("error"));
        this.standing.value = { is: "out", why };
        return to;
      }
      this.standing.value = { is: "in" };
      this.#schedule();
    }
    return to;
  }

  /** Whether someone who isn't signed in needs no page to say so: the provider knows them, as far as one can tell. */
  isKnown(): boolean {
    const standing = this.standing.value;
    return standing.is === "out" && standing.why === null && read(this.#world.browser, KNOWN) !== null;
  }

  /** Goes to the provider; it comes back to `to`, an address of the page. */
  async signIn(to: string): Promise<void> {
    const before = this.standing.value;
    if (before.is === "leaving") return;
    const failed = (why: Reason): void => {
      this.standing.value = { is: before.is === "ended" ? "ended" : "out", why };
    };
    // What has ended stays on screen until the provider's page is there.
    if (before.is === "out") this.standing.value = { is: "leaving" };
    if (!(await this.#world.isOnline())) {
      failed("offline");
      return;
    }
    try {
      const { url } = await within(NO_ANSWER_MS, this.#client.createSigninRequest({ state: { to } }));
      this.#world.leave(url);
    } catch {
      failed("unreachable");
    }
  }

  /** A new token for the same person; asked once for all who need it at the same time. */
  renew(): Promise<Renewal> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #renew(): Promise<Renewal> {
    const kept = this.#kept.value;
    if (!kept || this.standing.value.is !== "in") return "refused";
    this.#cancelTimer();
    if (kept.refresh === null) return this.#end();
    try {
      // Without the last ID token the library leaves it to us whether it is still the same person.
      const asked = this.#client.useRefreshToken({
        state: { refresh_token: kept.refresh, session_state: null, profile: claims(kept) },
        timeoutInSeconds: NO_ANSWER_MS / 1_000,
      });
      const answer = await within(NO_ANSWER_MS, asked);
      // Signed out meanwhile: the token came too late.
      if (this.#kept.value !== kept) return "refused";
      if (answer.profile?.sub !== kept.sub) return this.#end();
      this.#take(answer, kept);
      return "renewed";
    } catch (error) {
      if (this.#kept.value !== kept) return "refused";
      if (isFinal(error)) return this.#end();
      this.#failures += 1;
      this.#cancelTimer = this.#world.later(retryAfter(this.#failures), () => void this.renew());
      return "unreachable";
    }
  }

  /** The network is back, or the person: a renewal that is due is tried at once. */
  wake(): void {
    const kept = this.#kept.value;
    if (this.standing.value.is !== "in" || !kept || kept.expires === null) return;
    if (this.#world.now() >= renewAt(kept.obtained, kept.expires)) void this.renew();
  }

  /** Signs out here and at the provider. */
  async signOut(): Promise<void> {
    const kept = this.#kept.value;
    this.#forget();
    this.standing.value = { is: "leaving" };
    if (!(await this.#world.isOnline())) {
      this.#drop("out-offline");
      return;
    }
    await this.#revoke(kept);
    const address = await within(NO_ANSWER_MS, this.#goodbye(kept)).catch(() => null);
    // In memory it lasts until the page is gone: what is deleted with it still goes out in this person's name.
    if (address !== null) this.#world.leave(address);
    else this.#drop("out");
  }

  /** Signed out in another tab: here as well, without leaving the page. */
  async signOutHere(): Promise<void> {
    const kept = this.#kept.value;
    this.#drop("out-elsewhere");
    await this.#revoke(kept);
  }

  async #revoke(kept: Kept | null): Promise<void> {
    if (!kept?.refresh) return;
    // Not every provider can; its tokens then end by themselves.
    await within(REVOKED_WITHIN_MS, this.#client.revokeToken(kept.refresh, "refresh_token")).catch(() => {});
  }

  /** The provider's address for signing out. */
  async #goodbye(kept: Kept | null): Promise<string> {
    if (this.#config.sign_out === "cognito") {
      const endpoint = await this.#client.metadataService.getEndSessionEndpoint();
      if (!endpoint) throw new Error("The provider has no address for signing out.");
      return cognitoSignOut(endpoint, this.#config.client_id, `${this.#world.origin}/`);
    }
    const hint = kept?.id ? { id_token_hint: kept.id } : {};
    return (await this.#client.createSignoutRequest({ client_id: this.#config.client_id, ...hint })).url;
  }

  #take(answer: SigninResponse, before?: Kept): void {
    if (!answer.access_token || !answer.profile.sub) throw new Error("The provider's answer has no token.");
    const now = this.#world.now();
    const { expires_in } = answer;
    const kept: Kept = {
      sub: answer.profile.sub,
      // Some providers leave things out of a renewal that stay as they were.
      name: answer.id_token || !before ? nameOf(answer.profile) : before.name,
      token: answer.access_token,
      refresh: answer.refresh_token ?? before?.refresh ?? null,
      id: answer.id_token ?? before?.id ?? null,
      obtained: now,
      expires: expires_in === undefined ? null : now + expires_in * 1_000,
    };
    this.#failures = 0;
    this.#kept.value = kept;
    this.standing.value = { is: "in" };
    write(this.#world.tab, KEY, JSON.stringify(kept));
    write(this.#world.browser, KNOWN, "yes");
    this.#schedule();
  }

  #schedule(): void {
    this.#cancelTimer();
    const kept = this.#kept.value;
    if (!kept || kept.expires === null) return;
    const wait = Math.max(0, renewAt(kept.obtained, kept.expires) - this.#world.now());
    this.#cancelTimer = this.#world.later(wait, () => void this.renew());
  }

  /** The refusal of a renewal. Who it was stays known on this page, so that their text goes on being kept as theirs. */
  #end(): Renewal {
    this.#cancelTimer();
    write(this.#world.tab, KEY, null);
    this.standing.value = { is: "ended", why: null };
    return "refused";
  }

  /** Clears this person's tokens out of the browser's storage. */
  #forget(): void {
    this.#cancelTimer();
    write(this.#world.tab, KEY, null);
    write(this.#world.browser, KNOWN, null);
  }

  #drop(why: Reason | null): void {
    this.#cancelTimer();
    write(this.#world.tab, KEY, null);
    // A sign-in that only ended is asked for anew at the provider directly.
    if (why !== null) write(this.#world.browser, KNOWN, null);
    this.#kept.value = null;
    this.standing.value = { is: "out", why };
  }

  #load(): Kept | null {
    const text = read(this.#world.tab, KEY);
    if (text === null) return null;
    try {
      const kept = JSON.parse(text) as Kept;
      return typeof kept.sub === "string" && typeof kept.token === "string" ? kept : null;
    } catch {
      return null;
    }
  }
}

/** What the library wants to know of a person to renew their token without an ID token. */
function claims({ sub }: Kept): SigninResponse["profile"] {
  return { sub, iss: "", aud: "", exp: 0, iat: 0 };
}

/** An answer that begins and doesn't end must not keep everyone waiting either. */
function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(Object.assign(new Error("No answer within the time."), { name: "ErrorTimeout" }));
    }, ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function read(storage: Storage, key: string): string | null {
  try {
    return storage.getItem(key);
  } catch {
    return null;
  }
}

function write(storage: Storage, key: string, text: string | null): void {
  try {
    if (text === null) storage.removeItem(key);
    else storage.setItem(key, text);
  } catch {
    // Without storage it lasts until the page is left.
  }
}
