import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { nativeLibraryMissing } from "../../src/engine/test/native-library.ts";

const missing = nativeLibraryMissing();
const ROOT = new URL("../../", import.meta.url);

/** Runs a module in a fresh process, in which no library is loaded yet. */
async function inFreshProcess(body: string): Promise<{ status: unknown; signal: unknown; stdout: string }> {
  const program = `
    import { createWorld } from "${new URL("src/index.ts", ROOT).href}";
    const product = new URL("${new URL("test/engine/programs/product.ts", ROOT).href}");
    ${body}`;
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "--conditions=@meshwright/source", "--input-type=module", "--eval", program],
    { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] },
  );
  const [stdout, exit] = await Promise.all([text(child.stdout), once(child, "exit")]);
  const [status, signal] = exit as [number | null, string | null];
  return { status, signal, stdout };
}

describe.skipIf(missing !== undefined)(`the tensorflow engine in threads${missing ?? ""}`, () => {
  test("computes on several ranks at once, in one world after another, and the process ends well", async () => {
    const body = `
      for (const ranks of [3, 2]) {
        const world = await createWorld({ ranks, engine: "tensorflow" });
        const results = await world.run(product);
        await world.close();
        console.log(results.map(({ engine, value }) => engine + " " + value.toFixed(4)).join(", "));
      }
      console.log(process.env.TF_NUM_INTRAOP_THREADS);`;
    expect(await inFreshProcess(body)).toEqual({
      status: 0,
      signal: null,
      stdout: `${["tensorflow 1.0000", "tensorflow 1.0000", "tensorflow 1.0000"].join(", ")}\ntensorflow 1.0000, tensorflow 1.0000\n1\n`,
    });
  });

  test("has one pool of threads for the ranks of a process, which a later world cannot change", async () => {
    const body = `
      const world = await createWorld({ ranks: 2, engine: "tensorflow", threadsPerRank: 2 });
      console.log(process.env.TF_NUM_INTRAOP_THREADS);
      await world.close();
      await createWorld({ ranks: 2, engine: "tensorflow", threadsPerRank: 1 }).catch((e) => console.log(e.name + ": " + e.message));`;
    expect(await inFreshProcess(body)).toEqual({
      status: 0,
      signal: null,
      stdout:
        "4\nContractError: threadsPerRank (1) must give the pool of threads that the native library of this process already has (4, wanted 1), one pool per process; use another process, or leave threadsPerRank out.\n",
    });
  });
});
