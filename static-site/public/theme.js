// Before the first paint, so that a chosen theme doesn't flash: everything else about it is in parts/theme.ts.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // A browser without storage shows the system's theme.
}
