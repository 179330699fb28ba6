/**
 * Where the page is. Links are plain `<a href>`: those to the page's own paths
 * are followed without a reload.
 */
import { computed, signal } from "@preact/signals";

const here = signal(new URL(location.href));

export const path = computed(() => here.value.pathname.replace(/(.)\/$/, "$1"));
export const query = computed(() => here.value.searchParams);

/** Goes to a path of the page; `replace` leaves no step to come back to. */
export function go(to: string, { replace = false } = {}): void {
  const url = new URL(to, location.href);
  if (replace) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  const moved = url.pathname !== here.value.pathname;
  here.value = url;
  if (moved && !replace) scrollTo(0, 0);
}

addEventListener("popstate", () => {
  here.value = new URL(location.href);
});

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link || link.target !== "" || link.hasAttribute("download")) return;
  const url = new URL(link.href, location.href);
  if (url.origin !== location.origin || /^\/(api|local)\//.test(url.pathname)) return;
  if (url.pathname === location.pathname && url.search === location.search && url.hash !== "") return;
  event.preventDefault();
  go(url.href);
});
