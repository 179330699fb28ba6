// Keeps the page's own files, so that a reload without a network (or with the
// server down) still shows the page, and with it the text that the journal
// keeps. Answers of the API are never kept here. The build fills in the list.
const VERSION = "__VERSION__";
const FILES = "__FILES__";
const CACHE = `page-${VERSION}`;
const NAVIGATION_TIMEOUT_MS = 4_000;

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      await cache.addAll(FILES.map((path) => (path === "/index.html" ? "/" : path)));
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
  if (request.mode === "navigate") event.respondWith(page(request));
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

/** A file with a hash in its name never changes; the others are asked for first. */
async function file(request) {
  const kept = await caches.match(request);
  if (kept && new URL(request.url).pathname.startsWith("/assets/")) return kept;
  try {
    return await fetch(request);
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}
