import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";
import { TARGET } from "./places";

/** Debian's Chromium where it is; elsewhere the one Playwright has installed. Either way without its windows and menus. */
const DEBIAN_CHROMIUM = "/usr/bin/chromium-headless-shell";

export const launchOptions = {
  ...(existsSync(DEBIAN_CHROMIUM) ? { executablePath: DEBIAN_CHROMIUM } : {}),
  // No sandbox, for a container's root; the rest keeps the browser from asking the world for anything.
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

export default defineConfig({
  projects: [
    { name: "page", testDir: ".", testIgnore: "deployed/**", outputDir: `${TARGET}/browser/results` },
    // The page of a workshop that is deployed: DEPLOYED_URL says where, DEPLOYED_USERS who signs in there.
    { name: "deployed", testDir: "deployed", outputDir: `${TARGET}/browser/deployed` },
  ],
  testMatch: "*.spec.ts",
  // Two files at a time: while one waits for a save or an answer, the other computes.
  workers: 2,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  forbidOnly: true,
  // A test that passes the second time is a defect, of it or of the product.
  retries: 0,
  reporter: [["list"]],
  use: {
    launchOptions,
    viewport: { width: 1360, height: 860 },
    colorScheme: "light",
    locale: "en-GB",
    // It takes a fifth of the time; what was seen when a test failed is kept all the same.
    trace: process.env.WORKSHOP_TRACE ? "retain-on-failure" : "off",
    screenshot: "only-on-failure",
  },
});
