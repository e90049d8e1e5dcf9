import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ContractError } from "../errors.ts";
import type { EngineName } from "./engine.ts";
import { startEngine } from "./start.ts";

const startUrl = new URL("./start.ts", import.meta.url).href;

/** Runs a module in a fresh process, where no engine runs yet. */
function inFreshProcess(
  body: string,
  environment: Readonly<Record<string, string>> = {},
): { status: number | null; stdout: string; stderr: string } {
  const program = `import * as tf from "@tensorflow/tfjs"; import { startEngine } from "${startUrl}"; ${body}`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", "tsx", "--conditions=@meshwright/source", "--input-type=module", "--eval", program],
    { encoding: "utf8", cwd: new URL("../..", import.meta.url), env: { ...process.env, ...environment } },
  );
  return { status, stdout, stderr };
}

/** A cache folder without a native library. */
const emptyCache = { MESHWRIGHT_CACHE: mkdtempSync(join(tmpdir(), "meshwright-")) };

/** Without its library, tfjs-node is installed in this workspace. */
const withoutLibrary = (folder: string): string =>
  `no library in ${join(folder, "tensorflow")}; @tensorflow/tfjs-node is installed without its library`;

afterAll(() => {
  rmSync(emptyCache.MESHWRIGHT_CACHE, { recursive: true });
});

describe("startEngine in one thread", () => {
  beforeEach(() => vi.stubEnv("MESHWRIGHT_ENGINE", "wasm"));
  afterEach(() => vi.unstubAllEnvs());

  test("gives every caller the same engine, and makes it tfjs' backend", async () => {
    const [first, second] = await Promise.all([startEngine({ prefer: "wasm" }), startEngine()]);
    expect(second).toBe(first);
    expect(await startEngine({ prefer: "wasm" })).toBe(first);
    expect([first.name, first.backendName, first.skipped]).toEqual(["wasm", "wasm", []]);
    expect(tf.getBackend()).toBe("wasm");
  });

  test("refuses a second engine", async () => {
    await startEngine({ prefer: "wasm" });
    await expect(startEngine({ prefer: "cpu" })).rejects.toThrow(
      new ContractError(
        'startEngine: prefer ("cpu") must be the engine that already runs in this thread ("wasm"), one per thread; use prefer: "wasm", or another thread.',
      ),
    );
  });

  test("refuses an engine that does not exist", async () => {
    await expect(startEngine({ prefer: "webgl" as EngineName })).rejects.toThrow(
      new ContractError(
        'startEngine: prefer ("webgl") must be "auto" or one of tensorflow, wasm, cpu; use prefer: "auto".',
      ),
    );
  });

  test("registers the fused kernels and their gradients", async () => {
    await startEngine({ prefer: "wasm" });
    const x = tf.tensor1d([-1, 0, 2]);
    const gelu = (t: tf.Tensor): tf.Tensor =>
      tf.engine().runKernel<tf.Tensor>("Gelu", { x: t }, { approximate: "none" });
    expect([...tf.grad(gelu)(x).dataSync()].map((d) => d.toFixed(4))).toEqual([
      "-0.0833",
      "0.5000",
      "1.0852",
    ]);
  });
});

describe("startEngine in a fresh process", () => {
  test("auto takes wasm, silently, and says why not the native engine", () => {
    const report = "console.log(JSON.stringify([engine.name, engine.skipped]));";
    const environment = { ...emptyCache, MESHWRIGHT_ENGINE: "auto" };
    const skipped = [{ name: "tensorflow", reason: withoutLibrary(emptyCache.MESHWRIGHT_CACHE) }];
    expect(inFreshProcess(`const engine = await startEngine(); ${report}`, environment)).toEqual({
      status: 0,
      stdout: `${JSON.stringify(["wasm", skipped])}\n`,
      stderr: "",
    });
  });

  test("a native engine without its library is an error that names the command which gets it", () => {
    const body =
      'await startEngine({ prefer: "tensorflow" }).catch((e) => console.log(`${e.name}: ${e.message}`));';
    expect(inFreshProcess(body, emptyCache)).toEqual({
      status: 0,
      stdout: `ContractError: startEngine: prefer ("tensorflow") must be an engine that this machine has (${withoutLibrary(emptyCache.MESHWRIGHT_CACHE)}); use meshwright engine install, or prefer: "wasm".\n`,
      stderr: "",
    });
  });

  test("the environment decides where the program leaves the choice open", () => {
    const body = "console.log((await startEngine()).name);";
    expect(inFreshProcess(body, { MESHWRIGHT_ENGINE: "cpu" }).stdout).toBe("cpu\n");
  });

  test("more threads than one are refused where the engine has one only", () => {
    const body =
      'await startEngine({ prefer: "wasm", threadsPerRank: 2 }).catch((e) => console.log(`${e.name}: ${e.message}`));';
    expect(inFreshProcess(body).stdout).toBe(
      "ContractError: startEngine: threadsPerRank (2) must be 1 on the wasm engine, which computes on one thread; use more ranks, or meshwright engine install and the tensorflow engine.\n",
    );
  });

  test("cpu starts without the banner of tfjs and runs the fused kernels", () => {
    const body =
      'const { name } = await startEngine({ prefer: "cpu" }); const y = tf.engine().runKernel("Gelu", { x: tf.tensor1d([2]) }, { approximate: "none" }); console.log(name, tf.getBackend(), y.dataSync()[0].toFixed(4));';
    expect(inFreshProcess(body)).toEqual({ status: 0, stdout: "cpu cpu 1.9545\n", stderr: "" });
  });

  test("an error after the wasm engine started ends the process with exit code 1", () => {
    const { status, stderr } = inFreshProcess(
      'await startEngine({ prefer: "wasm" }); throw new Error("later");',
    );
    expect(status).toBe(1);
    expect(stderr).toContain("Error: later");
  });
});
