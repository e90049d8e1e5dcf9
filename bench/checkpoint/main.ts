/**
 * `pnpm bench checkpoint`: how long saving and loading take.
 *
 * @packageDocumentation
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createWorld, verifyCheckpoint } from "@meshwright/core";
import { conditionsLine, currentConditions } from "../conditions.ts";
import { median } from "../statistics.ts";
import type program from "./program.ts";

const ROUNDS = 5;
const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "meshwright-bench-"));
console.log(conditionsLine(currentConditions()));
try {
  for (const tp of [1, 2]) {
    const world = await createWorld({ ranks: tp, engine: "wasm" });
    const url = new URL("./program.ts", import.meta.url);
    const options = { tp, features: 512, layers: 6, dir: join(dir, String(tp)), rounds: ROUNDS };
    const ranks = await world.run<typeof program>(url, options).finally(() => world.close());
    const megabytes = ranks.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6;
    const [first] = ranks;
    const line = (what: string, ms: readonly number[]): string =>
      `  ${what.padEnd(44)} ${median(ms).toFixed(0).padStart(6)} ms  ${(megabytes / (median(ms) / 1000)).toFixed(0).padStart(6)} MB/s`;
    const start = performance.now();
    verifyCheckpoint(options.dir);
    const verifyMs = performance.now() - start;
    console.log(
      [
        `tp=${tp}: ${megabytes.toFixed(0)} MB on all ranks together, medians of ${ROUNDS} rounds of rank 0`,
        line("saveCheckpoint, blocking", first!.blocking),
        line("saveCheckpoint, async: until it returns", first!.asyncBlocked),
        line("saveCheckpoint, async: until it is complete", first!.asyncComplete),
        line("loadCheckpoint", first!.load),
        line("loadCheckpoint without hashes", first!.loadUnverified),
        line("verifyCheckpoint", [verifyMs]),
      ].join("\n"),
    );
  }
} finally {
  rmSync(dir, { recursive: true });
}
