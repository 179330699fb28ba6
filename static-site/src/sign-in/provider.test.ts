import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { identity, type Oidc, Refused, Unreachable } from "../server";
import { ask } from "../server/http";
import { SignIn } from "./provider";

const ORIGIN = "https://workshop.example";
const HOSTED = "https://sign-in.example";
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.parse("2026-05-03T13:00:00Z");

const CONFIG: Oidc = {
  authority: `${HOSTED}/pool`,
  client_id: "page",
  scope: "openid email profile",
  metadata: {
    issuer: `${HOSTED}/pool`,
    authorization_endpoint: `${HOSTED}/oauth2/authorize`,
    token_endpoint: `${HOSTED}/oauth2/token`,
    end_session_endpoint: `${HOSTED}/logout`,
    revocation_endpoint: `${HOSTED}/oauth2/revoke`,
  },
  sign_out: "cognito",
};

/** What becomes of the next request for a token. */
type Fault = "unreached" | "lost" | { status: number; body: unknown };

class Store implements Storage {
  readonly #kept = new Map<string, string>();
  get length(): number {
    return this.#kept.size;
  }
  key = (at: number): string | null => [...this.#kept.keys()][at] ?? null;
  getItem = (key: string): string | null => this.#kept.get(key) ?? null;
  setItem = (key: string, value: string): void => void this.#kept.set(key, value);
  removeItem = (key: string): void => void this.#kept.delete(key);
  clear = (): void => this.#kept.clear();
}

const jwt = (claims: object): string => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part(claims)}.signature`;
};

/** An identity provider and a workshop, as far as their answers go. */
class Site {
  faults: Fault[] = [];
  /** The access token that the workshop takes; an older one has expired. */
  valid = "";
  /** The refresh tokens that are good. */
  readonly refresh = new Set<string>();
  isRotating = false;
  sub = "sub-ada";
  readonly asked: string[] = [];
  readonly revoked: string[] = [];
  readonly codes = new Map<string, { challenge: string; nonce: string | null }>();
  #issued = 0;

  /** Someone types their password at the address; where they are sent then. */
  async signsIn(address: string): Promise<URL> {
    const { searchParams } = new URL(address);
    const code = `code-${this.codes.size}`;
    this.codes.set(code, {
      challenge: searchParams.get("code_challenge") ?? "",
      nonce: searchParams.get("nonce"),
    });
    const back = new URL(searchParams.get("redirect_uri") ?? "");
    back.searchParams.set("code", code);
    back.searchParams.set("state", searchParams.get("state") ?? "");
    return back;
  }

  readonly fetch = async (input: string | URL, request: RequestInit = {}): Promise<Response> => {
    const url = new URL(input, ORIGIN);
    const form = new URLSearchParams(String(request.body ?? ""));
    this.asked.push(form.get("grant_type") ?? url.pathname);
    if (url.origin === ORIGIN) {
      const { authorization } = request.headers as Record<string, string>;
      return authorization === `Bearer ${this.valid}`
        ? Response.json({ is: "mine" })
        : Response.json({ message: "Unauthorized" }, { status: 401 });
    }
    if (url.pathname === "/oauth2/revoke") {
      this.revoked.push(form.get("token") ?? "");
      return new Response(null, { status: 200 });
    }
    const fault = this.faults.shift();
    if (fault === "unreached") throw new TypeError("Failed to fetch");
    if (typeof fault === "object") return Response.json(fault.body, { status: fault.status });
    const answer = await this.#tokens(form);
    if (fault === "lost") throw new TypeError("Failed to fetch");
    return answer;
  };

  async #tokens(form: URLSearchParams): Promise<Response> {
    const refused = Response.json({ error: "invalid_grant" }, { status: 400 });
    this.#issued += 1;
    const tokens = {
      access_token: `access-${this.#issued}`,
      id_token: jwt({ sub: this.sub, email: "ada@example.com", auth_time: this.#issued }),
      token_type: "Bearer",
      expires_in: 3_600,
    };
    if (form.get("grant_type") === "refresh_token") {
      const given = form.get("refresh_token") ?? "";
      if (!this.refresh.has(given)) return refused;
      this.valid = tokens.access_token;
      if (!this.isRotating) return Response.json(tokens);
      this.refresh.delete(given);
    } else {
      const code = this.codes.get(form.get("code") ?? "");
      const verifier = new TextEncoder().encode(form.get("code_verifier") ?? "");
      const challenge = Buffer.from(await crypto.subtle.digest("SHA-256", verifier)).toString("base64url");
      if (!code || code.challenge !== challenge) return refused;
      this.codes.delete(form.get("code") ?? "");
    }
    this.valid = tokens.access_token;
    this.refresh.add(`refresh-${this.#issued}`);
    return Response.json({ ...tokens, refresh_token: `refresh-${this.#issued}` });
  }
}

/** A browser with one tab of the page in it. */
class Tab {
  now = START;
  isOnline = true;
  readonly left: string[] = [];
  readonly tab = new Store();
  readonly browser: Store;
  #timers: { at: number; act: () => void }[] = [];
  signIn: SignIn;

  constructor(browser = new Store(), config = CONFIG) {
    this.browser = browser;
    this.signIn = this.#open(config);
  }

  #open(config: Oidc): SignIn {
    this.#timers = [];
    const signIn = new SignIn(config, {
      origin: ORIGIN,
      tab: this.tab,
      browser: this.browser,
      now: () => this.now,
      isOnline: async () => this.isOnline,
      later: (ms, act) => {
        const timer = { at: this.now + ms, act };
        this.#timers.push(timer);
        return () => {
          this.#timers = this.#timers.filter((each) => each !== timer);
        };
      },
      leave: (address) => this.left.push(address),
    });
    identity.use(signIn);
    return signIn;
  }

  /** The page is loaded anew, at that address. */
  async load(path: string | URL = "/"): Promise<string | null> {
    this.signIn = this.#open(CONFIG);
    return this.signIn.begin(new URL(path, ORIGIN));
  }

  /** Moves the clock; what is due happens. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.now = due.at;
      due.act();
      await done();
    }
    this.now = end;
  }
}

async function done(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const failure = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => expect.unreachable("It was answered."),
    (error: unknown) => error,
  );

let site: Site;
beforeEach(() => {
  site = new Site();
  vi.stubGlobal("fetch", site.fetch);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

/** Signs in from an address; returns where one is then. */
async function signedIn(tab: Tab, from = "/"): Promise<string | null> {
  await tab.load(from);
  await tab.signIn.signIn(from);
  return tab.load(await site.signsIn(tab.left.at(-1) ?? ""));
}

describe("signing in", () => {
  test("comes back to the address that was asked for, as the person of the ID token", async () => {
    const tab = new Tab();
    expect(await tab.load("/prompt-workshop?clone=a")).toBeNull();
    expect(tab.signIn.standing.value).toEqual({ is: "out", why: null });
    expect(await signedIn(tab, "/prompt-workshop?clone=a&topic=b")).toBe("/prompt-workshop?clone=a&topic=b");
    expect(tab.signIn.standing.value).toEqual({ is: "in" });
    expect(tab.signIn.user()).toBe("sub-ada");
    expect(tab.signIn.name()).toBe("ada@example.com");
    const asked = new URL(tab.left[0] ?? "").searchParams;
    expect(asked.get("code_challenge_method")).toBe("S256");
    expect(asked.get("redirect_uri")).toBe(`${ORIGIN}/`);
  });

  test("sends the access token along, not the ID token", async () => {
    const tab = new Tab();
    await signedIn(tab);
    expect(identity.token()).toBe("access-1");
    expect(await ask("GET", "/api/x")).toEqual({ is: "mine" });
  });

  test("lasts over a reload, without asking anyone", async () => {
    const tab = new Tab();
    await signedIn(tab);
    const asked = site.asked.length;
    expect(await tab.load("/library")).toBeNull();
    expect(tab.signIn.standing.value).toEqual({ is: "in" });
    expect(tab.signIn.user()).toBe("sub-ada");
    expect(site.asked).toHaveLength(asked);
  });

  test("is a new tab's own affair, which is led on to the provider directly", async () => {
    const tab = new Tab();
    await signedIn(tab);
    const next = new Tab(tab.browser);
    await next.load("/library");
    expect(next.signIn.user()).toBe("");
    expect(next.signIn.isKnown()).toBe(true);
  });

  test("that was cancelled says so, and leads nobody in a circle", async () => {
    const tab = new Tab();
    await tab.load("/topics");
    await tab.signIn.signIn("/topics");
    const state = new URL(tab.left[0] ?? "").searchParams.get("state");
    expect(await tab.load(`/?error=access_denied&state=${state}`)).toBe("/topics");
    expect(tab.signIn.standing.value).toEqual({ is: "out", why: "denied" });
    expect(tab.signIn.isKnown()).toBe(false);
  });

  test("that fails for someone who was known leads nobody in a circle either", async () => {
    const tab = new Tab();
    await signedIn(tab);
    const next = new Tab(tab.browser);
    await next.load("/?error=server_error&state=unknown");
    expect(next.signIn.standing.value).toEqual({ is: "out", why: "failed" });
    expect(next.signIn.isKnown()).toBe(false);
  });

  test("with an address that isn't this tab's, or was used before, signs nobody in", async () => {
    const tab = new Tab();
    expect(await tab.load("/?code=stolen&state=unknown")).toBe("/");
    expect(tab.signIn.standing.value).toEqual({ is: "out", why: "unfinished" });
    expect(site.asked).toEqual([]);
  });

  test("of which the answer is lost can be begun again, for the same address", async () => {
    const tab = new Tab();
    await tab.load("/topics");
    await tab.signIn.signIn("/topics");
    site.faults = ["unreached"];
    expect(await tab.load(await site.signsIn(tab.left[0] ?? ""))).toBe("/topics");
    expect(tab.signIn.standing.value).toEqual({ is: "out", why: "unreachable" });
    expect(await signedIn(tab, "/topics")).toBe("/topics");
    expect(tab.signIn.standing.value).toEqual({ is: "in" });
  });

  test("without a network stays where it is", async () => {
    const tab = new Tab();
    await tab.load();
    tab.isOnline = false;
    await tab.signIn.signIn("/");
    expect(tab.signIn.standing.value).toEqual({ is: "out", why: "offline" });
    expect(tab.left).toEqual([]);
  });

  test("looks the endpoints up where none are named", async () => {
    const { metadata, sign_out: _, ...config } = CONFIG;
    const tab = new Tab(new Store(), config);
    vi.stubGlobal("fetch", async (input: string) => {
      expect(input).toBe(`${HOSTED}/pool/.well-known/openid-configuration`);
      return Response.json(metadata);
    });
    await tab.signIn.signIn("/");
    expect(tab.left[0]).toContain(`${HOSTED}/oauth2/authorize?`);
  });
});

describe("a renewal", () => {
  test("comes a minute before the token expires, by itself", async () => {
    const tab = new Tab();
    await signedIn(tab);
    await tab.pass(HOUR - 2 * MINUTE);
    expect(identity.token()).toBe("access-1");
    await tab.pass(MINUTE);
    expect(identity.token()).toBe("access-2");
    await tab.pass(HOUR);
    expect(identity.token()).toBe("access-3");
  });

  test("is kept over a reload", async () => {
    const tab = new Tab();
    site.isRotating = true;
    await signedIn(tab);
    await tab.pass(HOUR);
    await tab.load();
    expect(identity.token()).toBe("access-2");
    expect(await tab.signIn.renew()).toBe("renewed");
  });

  test("follows a refused request, which is then repeated", async () => {
    const tab = new Tab();
    await signedIn(tab);
    site.valid = "another";
    expect(await ask("PUT", "/api/x", { body: {} })).toEqual({ is: "mine" });
    expect(identity.token()).toBe("access-2");
  });

  test("is one for all requests that are refused together", async () => {
    const tab = new Tab();
    await signedIn(tab);
    site.valid = "another";
    await Promise.all([ask("GET", "/api/x"), ask("GET", "/api/y"), ask("GET", "/api/z")]);
    expect(site.asked.filter((each) => each === "refresh_token")).toHaveLength(1);
  });

  test("that is due is one with that of a request which is refused meanwhile", async () => {
    const tab = new Tab();
    site.isRotating = true;
    await signedIn(tab);
    site.valid = "another";
    tab.now += HOUR;
    tab.signIn.wake();
    expect(await ask("GET", "/api/x")).toEqual({ is: "mine" });
    expect(site.asked.filter((each) => each === "refresh_token")).toHaveLength(1);
  });

  test("isn't asked for again by a refusal that comes late", async () => {
    const tab = new Tab();
    await signedIn(tab);
    const old = identity.token();
    await tab.signIn.renew();
    expect(await identity.renew(old)).toBe("renewed");
    expect(site.asked.filter((each) => each === "refresh_token")).toHaveLength(1);
  });

  test("without a network signs nobody out, and is tried until there is one", async () => {
    const tab = new Tab();
    await signedIn(tab);
    site.valid = "another";
    site.faults = ["unreached", "unreached", "unreached"];
    expect(await failure(ask("GET", "/api/x"))).toBeInstanceOf(Unreachable);
    expect(tab.signIn.standing.value).toEqual({ is: "in" });
    await tab.pass(5_000);
    expect(identity.token()).toBe("access-1");
    await tab.pass(10_000);
    await tab.pass(20_000);
    expect(identity.token()).toBe("access-2");
    expect(await ask("GET", "/api/x")).toEqual({ is: "mine" });
  });

  test("that the provider can't answer just now signs nobody out", async () => {
    const tab = new Tab();
    await signedIn(tab);
    site.faults = [
      { status: 503, body: { message: "Service Unavailable" } },
      { status: 429, body: { error: "too_many_requests" } },
    ];
    expect(await tab.signIn.renew()).toBe("unreachable");
    expect(await tab.signIn.renew()).toBe("unreachable");
    expect(await tab.signIn.renew()).toBe("renewed");
  });

  test("of which the answer was lost is asked for again", async () => {
    const tab = new Tab();
    await signedIn(tab);
    site.faults = ["lost"];
    expect(await tab.signIn.renew()).toBe("unreachable");
    expect(await tab.signIn.renew()).toBe("renewed");
  });

  test("is tried at once when the network is back and it is due, and not before", async () => {
    const tab = new Tab();
    await signedIn(tab);
    tab.signIn.wake();
    await done();
    expect(identity.token()).toBe("access-1");
    tab.now += HOUR;
    tab.signIn.wake();
    await done();
    expect(identity.token()).toBe("access-2");
  });

  test("for another person than the one signed in is none", async () => {
    const tab = new Tab();
    await signedIn(tab);
    site.sub = "sub-bob";
    expect(await tab.signIn.renew()).toBe("refused");
    expect(identity.token()).toBeUndefined();
  });
});

describe("a renewal that is refused", () => {
  test("ends the sign-in, and nothing more is asked of the server", async () => {
    const tab = new Tab();
    await signedIn(tab);
    site.valid = "another";
    site.refresh.clear();
    const error = await failure(ask("GET", "/api/x"));
    expect(error).toBeInstanceOf(Refused);
    expect(error).toMatchObject({ code: "sign-in-ended", passes: false });
    expect(tab.signIn.standing.value).toEqual({ is: "ended", why: null });
    const asked = site.asked.length;
    expect(await failure(ask("GET", "/api/y"))).toMatchObject({ code: "sign-in-ended" });
    expect(site.asked).toHaveLength(asked);
  });

  test("leaves it known who it was, for what they go on typing", async () => {
    const tab = new Tab();
    await signedIn(tab);
    site.refresh.clear();
    await tab.signIn.renew();
    expect(identity.user()).toBe("sub-ada");
  });

  test("leads back to the same place after signing in again", async () => {
    const tab = new Tab();
    await signedIn(tab);
    site.refresh.clear();
    await tab.signIn.renew();
    await tab.signIn.signIn("/prompt-workshop?draft_id=1");
    expect(tab.signIn.standing.value).toEqual({ is: "ended", why: null });
    const back = await site.signsIn(tab.left.at(-1) ?? "");
    expect(await tab.load(back)).toBe("/prompt-workshop?draft_id=1");
    expect(await ask("GET", "/api/x")).toEqual({ is: "mine" });
  });

  test("while a page is being opened leads on to the provider", async () => {
    const tab = new Tab();
    await signedIn(tab);
    site.refresh.clear();
    tab.now += 30 * 24 * HOUR;
    await tab.load("/library");
    expect(tab.signIn.standing.value).toEqual({ is: "out", why: null });
    expect(tab.signIn.isKnown()).toBe(true);
    expect(tab.signIn.user()).toBe("");
  });

  test("is not what happens to a page that is opened without a network", async () => {
    const tab = new Tab();
    await signedIn(tab);
    tab.now += 2 * HOUR;
    site.faults = ["unreached"];
    await tab.load("/prompt-workshop?draft_id=1");
    expect(tab.signIn.standing.value).toEqual({ is: "in" });
    expect(tab.signIn.user()).toBe("sub-ada");
  });
});

describe("signing out", () => {
  test("revokes the refresh token, clears what was kept and tells Cognito in its own words", async () => {
    const tab = new Tab();
    await signedIn(tab);
    await tab.signIn.signOut();
    expect(site.revoked).toEqual(["refresh-1"]);
    expect(tab.left.at(-1)).toBe(
      `${HOSTED}/logout?client_id=page&logout_uri=${encodeURIComponent(`${ORIGIN}/`)}`,
    );
    expect(tab.tab.length).toBe(0);
    expect(tab.browser.length).toBe(0);
    await tab.load("/");
    expect(tab.signIn.standing.value).toEqual({ is: "out", why: null });
    expect(tab.signIn.isKnown()).toBe(false);
  });

  test("elsewhere goes as the standard says", async () => {
    const { sign_out: _, ...config } = CONFIG;
    const tab = new Tab(new Store(), config);
    await tab.signIn.signIn("/");
    await tab.signIn.begin(await site.signsIn(tab.left[0] ?? ""));
    await tab.signIn.signOut();
    const { searchParams } = new URL(tab.left.at(-1) ?? "");
    expect(searchParams.get("post_logout_redirect_uri")).toBe(`${ORIGIN}/`);
    expect(searchParams.get("id_token_hint")).toMatch(/^\S+\.\S+\.signature$/);
  });

  test("without a network is done here, and says what isn't", async () => {
    const tab = new Tab();
    await signedIn(tab);
    const left = tab.left.length;
    tab.isOnline = false;
    await tab.signIn.signOut();
    expect(tab.left).toHaveLength(left);
    expect(tab.signIn.standing.value).toEqual({ is: "out", why: "out-offline" });
    expect(identity.token()).toBeUndefined();
    expect(tab.tab.length).toBe(0);
  });

  test("from a provider that can't revoke works all the same", async () => {
    const tab = new Tab();
    await signedIn(tab);
    vi.stubGlobal("fetch", async () => new Response("not found", { status: 404 }));
    await tab.signIn.signOut();
    expect(tab.left.at(-1)).toContain("/logout?");
  });

  test("in another tab drops what is here", async () => {
    const tab = new Tab();
    await signedIn(tab);
    await tab.signIn.signOutHere();
    expect(tab.signIn.standing.value).toEqual({ is: "out", why: "out-elsewhere" });
    expect(site.revoked).toEqual(["refresh-1"]);
    expect(tab.tab.length).toBe(0);
  });

  test("during a renewal isn't undone by its answer", async () => {
    const tab = new Tab();
    await signedIn(tab);
    const renewing = tab.signIn.renew();
    await tab.signIn.signOutHere();
    expect(await renewing).toBe("refused");
    expect(identity.token()).toBeUndefined();
    expect(tab.tab.length).toBe(0);
  });
});
