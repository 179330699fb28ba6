/**
 * `/config.json`: what differs between one machine and a deployment. The build
 * is the same for both, so the page asks for it before anything else.
 */

/** The identity provider that people sign in with (OpenID Connect). */
export interface Oidc {
  authority: string;
  client_id: string;
  scope: string;
  /** Its endpoints; without them they are looked up at the authority (OpenID Connect Discovery). */
  metadata?: Record<string, unknown>;
  /** Cognito has parameters of its own for signing out; everyone else the standard's. */
  sign_out?: "cognito";
}

export interface Config {
  /** Null on one machine, where nobody signs in. */
  oidc: Oidc | null;
}

const NO_ANSWER_MS = 10_000;

/** The configuration; throws when no usable one came. */
export async function readConfig(): Promise<Config> {
  const answer = await fetch("/config.json", {
    // The newest, whatever was said about keeping it: it may name another provider since.
    cache: "no-cache",
    signal: AbortSignal.timeout(NO_ANSWER_MS),
  });
  if (!answer.ok) throw new Error(`The configuration was answered with ${answer.status}.`);
  const config: unknown = await answer.json();
  if (!isConfig(config)) throw new Error("The configuration is not one.");
  return config;
}

const NO_SIGN_MS = 5_000;

/**
 * Whether there is a network, as far as this page's own server shows: what the
 * browser says of it only tells that there is a cable. The service worker lets
 * a HEAD request pass, where for others it would answer itself.
 */
export async function isServerThere(): Promise<boolean> {
  if (!navigator.onLine) return false;
  const signal = AbortSignal.timeout(NO_SIGN_MS);
  return fetch("/config.json", { method: "HEAD", cache: "no-store", signal }).then(
    () => true,
    () => false,
  );
}

function isConfig(value: unknown): value is Config {
  if (typeof value !== "object" || value === null || !("oidc" in value)) return false;
  const { oidc } = value as { oidc: Partial<Oidc> | null };
  if (oidc === null) return true;
  return [oidc?.authority, oidc?.client_id, oidc?.scope].every((each) => typeof each === "string");
}
