/** Light, dark, or the system's. `public/theme.js` sets a chosen one before the first paint. */
import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

function chosen(): Theme {
  const theme = document.documentElement.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : "system";
}

export const theme = signal<Theme>(chosen());

export function setTheme(next: Theme): void {
  theme.value = next;
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    if (next === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", next);
  } catch {
    // Without storage the choice lasts until the page is left.
  }
}
