import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const DIST = join(import.meta.dirname, "dist");

/** The files of signing in, which one machine never fetches. */
const SIGN_IN = /^\/assets\/sign-in-/;

/**
 * Last of the build: names the built files in the service worker, which keeps
 * them for when there is no network, and leaves a compressed copy beside each,
 * so that no server has to compress.
 */
function finish(): Plugin {
  return {
    name: "finish",
    apply: "build",
    closeBundle() {
      const files = readdirSync(DIST, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !/\.(br|gz)$/.test(entry.name))
        .map((entry) => join(entry.parentPath, entry.name));
      const kept = files
        .map((file) => `/${relative(DIST, file)}`)
        .filter((path) => path !== "/sw.js" && path !== "/robots.txt")
        .sort();
      const content = createHash("sha256");
      for (const path of kept) content.update(path).update(readFileSync(join(DIST, path)));
      const worker = join(DIST, "sw.js");
      writeFileSync(
        worker,
        readFileSync(worker, "utf8")
          .replace('"__VERSION__"', JSON.stringify(content.digest("hex").slice(0, 16)))
          .replace('"__FILES__"', JSON.stringify(kept.filter((path) => !SIGN_IN.test(path))))
          .replace('"__SIGN_IN_FILES__"', JSON.stringify(kept.filter((path) => SIGN_IN.test(path)))),
      );
      for (const file of files.filter((file) => /\.(js|css|html|svg)$/.test(file))) {
        const bytes = readFileSync(file);
        writeFileSync(`${file}.br`, brotliCompressSync(bytes));
        writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [finish()],
  build: {
    target: "es2023",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // What the first view needs in one file. Left to itself the bundler cuts it along what signing in
        // shares with it, into many small ones that compress worse: 2 KB more before one can work.
        codeSplitting: { groups: [{ name: "home", test: /\/src\/views\/home\.tsx$/ }] },
      },
    },
  },
  server: {
    host: "127.0.0.1",
    proxy: Object.fromEntries(
      ["/api", "/local", "/uploads", "/config.json"].map((path) => [path, "http://127.0.0.1:9090"]),
    ),
  },
});
