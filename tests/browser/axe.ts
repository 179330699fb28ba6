/** What axe finds against a page; its rules are those of axe-core's documentation. */
import type { Page } from "@playwright/test";
import axe, { type AxeResults, type RunOptions } from "axe-core";

/**
 * Looks at these parts of a page, which are selectors, or at all of it. A document reads axe once: its half megabyte
 * takes as long as a look.
 */
export async function axeFinds(
  page: Page,
  options: RunOptions = {},
  parts: string[] = ["html"],
): Promise<AxeResults> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  return page.evaluate(
    ([include, options]) => (window as unknown as { axe: typeof axe }).axe.run({ include }, options),
    [parts, options] as const,
  );
}
