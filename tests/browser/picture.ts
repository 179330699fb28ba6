/** README's screenshots: taken once all that they are to show is there, and measured for how much they show. */
import { readFile } from "node:fs/promises";
import { type BrowserContext, expect, type Locator, type Page } from "@playwright/test";

/**
 * The least share of a picture in which something has to be seen. A page of the library has it in a third of its
 * picture, the workshop in more, a page that is still empty in a hundredth.
 */
export const LEAST_DETAIL = 0.1;

/** Takes a picture into `file` as soon as each of `shows` is in sight and nothing of the moment is. */
export async function take(page: Page, file: string, ...shows: Locator[]): Promise<void> {
  for (const shown of shows) await expect(shown).toBeInViewport();
  // No wait, no message that passes, no mark of where the pointer is.
  await page.mouse.move(0, 0);
  await expect(page.locator(".working, .toast")).toHaveCount(0);
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: file, animations: "disabled" });
  expect(await detail(page.context(), file), `${file} shows something`).toBeGreaterThan(LEAST_DETAIL);
}

/**
 * The share of a picture in which something is to be seen, from 0 to 1: of its squares, about as high as two lines
 * of text, those that have a contrast of text in them. The bar on top doesn't count, since every page has it, and
 * hairlines don't, since a page without content has them, too.
 */
export async function detail(context: BrowserContext, file: string): Promise<number> {
  const page = await context.newPage();
  try {
    return await page.evaluate(
      async ({ png, bar, side, contrast }) => {
        const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
        const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d", {
          willReadFrequently: true,
        });
        if (!canvas) throw new Error("There is no canvas.");
        canvas.drawImage(picture, 0, 0);
        let [all, seen] = [0, 0];
        for (let y = bar; y + side <= picture.height; y += side)
          for (let x = 0; x + side <= picture.width; x += side) {
            // Four numbers a pixel: each is compared with that of the square's first.
            const { data } = canvas.getImageData(x, y, side, side);
            all += 1;
            if (data.some((value, at) => Math.abs(value - (data[at % 4] ?? value)) > contrast)) seen += 1;
          }
        return seen / all;
      },
      { png: await readFile(file, "base64"), bar: 48, side: 32, contrast: 48 },
    );
  } finally {
    await page.close();
  }
}
