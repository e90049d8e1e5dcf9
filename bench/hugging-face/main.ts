/**
 * `pnpm bench hugging-face`: how long loading and saving take, out of
 * the page cache and into the engine's tensors.
 *
 * @packageDocumentation
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createWorld } from "@meshwright/core";
import { conditionsLine, currentConditions } from "../conditions.ts";
import { median } from "../statistics.ts";
import type program from "./program.ts";

const ROUNDS = 5;
const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "meshwright-bench-"));
console.log(conditionsLine(currentConditions()));
try {
  for (const kind of ["gpt2", "llama"] as const) {
    for (const tp of [1, 2]) {
      const world = await createWorld({ ranks: tp, engine: "wasm" });
      const url = new URL("./program.ts", import.meta.url);
      const options = { kind, tp, folder: join(dir, kind), rounds: ROUNDS };
      const ranks = await world.run<typeof program>(url, options).finally(() => world.close());
      const [{ saveMs, loadMs }] = ranks as [(typeof ranks)[number]];
      const megabytes = ranks.map(({ bytesRead }) => (bytesRead / 1e6).toFixed(0)).join(" + ");
      console.log(
        `${kind} tp=${tp}: reads ${megabytes} MB in ${median(loadMs).toFixed(0)} ms (median of ${ROUNDS}), saves in ${saveMs.toFixed(0)} ms`,
      );
    }
  }
} finally {
  rmSync(dir, { recursive: true });
}
