/** The service worker (`public/sw.js`), which keeps the page's files for when there is no network. */

/** Registers it once the page has nothing more urgent to do. A development server has none. */
export function keepForOffline(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  addEventListener("load", () => {
    const url = trustedUrl("/sw.js");
    // Without it the page works; only a reload without a network does not.
    navigator.serviceWorker.register(url).catch(() => {});
  });
}

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): {
    createScriptURL(url: string): unknown;
  };
}

/** The one script address that the page makes itself, under the policy that the server's headers name. */
function trustedUrl(path: string): string {
  const types = (window as { trustedTypes?: TrustedTypes }).trustedTypes;
  if (!types) return path;
  const policy = types.createPolicy("workshop", {
    createScriptURL(url) {
      if (url !== "/sw.js") throw new TypeError("Only the page's own service worker.");
      return url;
    },
  });
  return policy.createScriptURL(path) as string;
}
