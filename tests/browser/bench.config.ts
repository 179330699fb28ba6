/** `make bench`'s figures of the page, apart from the tests: they are about how fast, not about whether. */
import { defineConfig } from "@playwright/test";
import { TARGET } from "./places";
import { launchOptions } from "./playwright.config";

export default defineConfig({
  testDir: ".",
  testMatch: "bench.ts",
  outputDir: `${TARGET}/browser/bench`,
  workers: 1,
  timeout: 1_800_000,
  reporter: [["dot"]],
  use: { launchOptions, viewport: { width: 1360, height: 860 }, locale: "en-GB" },
});
