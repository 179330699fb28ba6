/** Where the repository is, and what cargo built of it. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");
/** Cargo's target folder, which CARGO_TARGET_DIR and cargo's configuration can move. */
export const TARGET = execFileSync(join(ROOT, "tests/target-dir.sh"), { encoding: "utf8" }).trim();
/** Where the programs are: debug builds, unless WORKSHOP_BUILT names others. */
export const BUILT = process.env.WORKSHOP_BUILT ?? join(TARGET, "debug");
