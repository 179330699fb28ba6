/** The page of a workshop that is deployed: DEPLOYED_URL says where, DEPLOYED_USERS who signs in there. */
import { defineConfig } from "@playwright/test";
import { TARGET } from "../places";
import config from "../playwright.config";

export default defineConfig({
  ...config,
  testDir: ".",
  testIgnore: [],
  outputDir: `${TARGET}/browser/deployed`,
});
