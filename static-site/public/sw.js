// Keeps the page's own files, so that a reload without a network (or with the
// server down) still shows the page, and with it the text that the journal
// keeps. Answers of the API are never kept here. The build fills in the lists.
const VERSION = "__VERSION__";
const FILES = "__FILES__";
/** What only a deployment needs, where people sign in. */
const SIGN_IN_FILES = "__SIGN_IN_FILES__";
const CACHE = `page-${VERSION}`;
/** The configuration is the server's, not this version's: it has a place of its own. */
const CONFIG = "/config.json";
const CONFIG_CACHE = "config";
const NAVIGATION_TIMEOUT_MS = 4_000;

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      // All or nothing: the page can't start without its configuration, so files without it are no use.
      const { oidc } = await (await config()).json();
      const cache = await caches.open(CACHE);
      const files = oidc ? [...FILES, ...SIGN_IN_FILES] : FILES;
      await cache.addAll(files.map((path) => (path === "/index.html" ? "/" : path)));
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const old = (await caches.keys()).filter((name) => name.startsWith("page-") && name !== CACHE);
      // An open tab of the last version may still load its own files: one version back is kept.
      await Promise.all(old.slice(0, -1).map((name) => caches.delete(name)));
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (/^\/(api|local|\.well-known)(\/|$)/.test(url.pathname)) return;
  if (url.pathname === CONFIG) event.respondWith(config());
  else if (request.mode === "navigate") event.respondWith(page(request));
  else event.respondWith(file(request));
});

/** The page itself: the server's when it answers, else the one that was kept. */
async function page(request) {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(NAVIGATION_TIMEOUT_MS) });
    if (answer.ok) return answer;
  } catch {
    // No network, no server, or one that doesn't answer: below.
  }
  return (await caches.match("/")) ?? Response.error();
}

/** The configuration: the server's as long as it answers, and only without it the one that it gave last. */
async function config() {
  const cache = await caches.open(CONFIG_CACHE);
  const signal = AbortSignal.timeout(NAVIGATION_TIMEOUT_MS);
  const answer = await fetch(CONFIG, { cache: "no-cache", signal }).catch(() => null);
  if (answer?.ok) {
    // A page in its place, as some servers answer for what isn't there, is not kept.
    const isConfig = await answer
      .clone()
      .json()
      .then(Boolean, () => false);
    if (isConfig) await cache.put(CONFIG, answer.clone());
    return answer;
  }
  if (answer && answer.status < 500) return answer;
  return (await cache.match(CONFIG)) ?? answer ?? Response.error();
}

/** A file with a hash in its name never changes; the others are asked for first. */
async function file(request) {
  const kept = await caches.match(request);
  if (kept && new URL(request.url).pathname.startsWith("/assets/")) return kept;
  try {
    const answer = await fetch(request);
    // Not in the lists when this was installed, and wanted now: signing in, once a server begins to ask for it.
    if (answer.ok && SIGN_IN_FILES.includes(new URL(request.url).pathname)) {
      await (await caches.open(CACHE)).put(request, answer.clone());
    }
    return answer;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}
