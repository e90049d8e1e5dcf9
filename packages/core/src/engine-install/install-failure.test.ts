import { readFileSync, truncateSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readEngineRecord } from "./engine-record.ts";
import { EngineInstallError } from "./install-error.ts";
import type { InstallOptions } from "./install.ts";
import type { FakeMachine } from "./testing/fake-machine.ts";
import { writeFakeWheel } from "./testing/fake-wheel.ts";
import { install, useMachines, wholeEngine } from "./testing/machines.ts";

const machineOf = useMachines();

/** The message of an installation that fails. */
async function failure(machine: FakeMachine, options: Partial<InstallOptions> = {}): Promise<string> {
  const error: unknown = await install(machine, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EngineInstallError);
  return (error as EngineInstallError).message;
}

describe("a failed installation", () => {
  /** Breaks the second installation on a machine that has an engine; returns the message. */
  async function breakSecond(
    machine: FakeMachine,
    prepare: () => void,
    options: Partial<InstallOptions> = {},
  ): Promise<string> {
    writeFakeWheel(machine.index);
    await install(machine);
    const before = await wholeEngine(machine);
    const { ino } = await stat(machine.cache.engine);
    prepare();
    const message = await failure(machine, { ...options, force: true });
    expect(await wholeEngine(machine)).toEqual(before);
    expect((await stat(machine.cache.engine)).ino).toBe(ino);
    return message;
  }

  test("by a truncated archive leaves the old engine whole; the next one fetches the archive anew", async () => {
    const machine = machineOf();
    const message = await breakSecond(machine, () => {
      truncateSync(writeFakeWheel(machine.index), 20_000);
    });
    expect(message).toMatch(
      /^meshwright engine install: step "unpack": wheel \(.*\.whl: .*end of central directory.*\) must be whole; use the same command again, which fetches it anew\.$/i,
    );
    writeFakeWheel(machine.index);
    expect(await install(machine, { force: true })).toMatchObject({ kind: "installed" });
  });

  test("by a wrong digest says which file", async () => {
    const machine = machineOf();
    const message = await breakSecond(machine, () => {
      writeFakeWheel(machine.index, { changed: ["tensorflow/libtensorflow_cc.so.2"] });
    });
    expect(message).toMatch(
      /SHA-256 of tensorflow\/libtensorflow_cc\.so\.2 \(.{43}\) must be the one in RECORD \(.{43}\)/,
    );
  });

  test("by a wheel without the library says so", async () => {
    const machine = machineOf();
    const message = await breakSecond(machine, () => {
      writeFakeWheel(machine.index, { without: ["tensorflow/libtensorflow_cc.so.2"] });
    });
    expect(message).toContain("it has no tensorflow/libtensorflow_cc.so.2");
  });

  test("by the compiler shows its error, and keeps all that it wrote", async () => {
    const machine = machineOf();
    const env = { ...machine.env, FAKE_COMPILER_FAILS: "1" };
    const message = await breakSecond(machine, () => undefined, { env });
    const log = join(machine.cache.root, "build.log");
    expect(message).toBe(
      `meshwright engine install: step "build": "g++" (exit code 1: x.cc:1: fatal error: no such header) must compile C++17 for this machine; use g++ 9 or clang 10 or later, and see ${log}.`,
    );
    expect(readFileSync(log, "utf8")).toContain("fatal error");
  });

  test("by an addon that does not load shows why", async () => {
    const machine = machineOf();
    const env = { ...machine.env, FAKE_ADDON: 'throw new Error("GLIBC_2.27 not found");' };
    expect(await breakSecond(machine, () => undefined, { env })).toContain(
      'step "load": addon (Error: GLIBC_2.27 not found) must load in Node.js v',
    );
  });

  test("by a wheel of the CPU where GPUs are wanted says which one it must be", async () => {
    const machine = machineOf();
    const wheel = writeFakeWheel(machine.index);
    expect(await failure(machine, { wheel, gpu: true })).toBe(
      `meshwright engine install: step "check": wheel (${wheel}) must be tensorflow-VERSION-....whl for --gpu; use the file as the index names it.`,
    );
  });

  test("without pip asks for it before anything is fetched", async () => {
    const machine = machineOf({ pip: false });
    expect(await failure(machine)).toBe(
      'meshwright engine install: step "check": pip (not found; tried python3 -m pip, pip3, pip, python -m pip) must be on PATH; use "apt install python3-pip" or its like, or --wheel FILE with a tensorflow-cpu wheel that was fetched elsewhere.',
    );
  });

  test("without a compiler asks for it before anything is fetched", async () => {
    const machine = machineOf({ compiler: false });
    writeFakeWheel(machine.index);
    expect(await failure(machine)).toBe(
      'meshwright engine install: step "check": C++ compiler (not found; tried CXX, g++, c++, clang++) must be on PATH; use "apt install g++" or its like, or set CXX.',
    );
    expect(machine.calls()).toEqual([]);
  });

  test("without npm and without tfjs-node says how to get its sources", async () => {
    const machine = machineOf({ tfjsNode: false });
    writeFakeWheel(machine.index);
    expect(await failure(machine)).toBe(
      'meshwright engine install: step "JavaScript": "npm pack @tensorflow/tfjs-node@4.22.0" (not found, or ended by a signal) must fetch tfjs-node\'s sources; use "npm install --ignore-scripts @tensorflow/tfjs-node@4.22.0" in the program\'s folder, or another network.',
    );
  });

  test("with nothing reachable says so of every source, in one line, and leaves nothing", async () => {
    const machine = machineOf();
    const message = await failure(machine, { source: undefined });
    expect(message).toMatch(
      /^meshwright engine install: step "fetch": package: host of tfjs-node's binaries \(http:\/\/127\.0\.0\.1:9\/.*CPU-linux-4\.22\.0\.tar\.gz: .*\) must answer; .* wheel: "python3 -m pip download tensorflow-cpu==2\.21\.0" \(exit code 1: ERROR: No matching distribution found for tensorflow-cpu==2\.21\.0\) must find the wheel in pip's package index; use .*\.$/,
    );
    expect(message).not.toContain("\n");
    expect(readEngineRecord(machine.cache.engine)).toBeUndefined();
    expect(machine.cacheNames()).toEqual(["downloads"]);
  });

  test("by an interruption leaves nothing half done", async () => {
    const machine = machineOf();
    writeFakeWheel(machine.index);
    const controller = new AbortController();
    const progress = {
      ...machine.options.progress,
      step: (step: string) => {
        if (step === "build") controller.abort(new Error("stopped"));
      },
    };
    await expect(install(machine, { progress, signal: controller.signal })).rejects.toThrow("stopped");
    expect(machine.cacheNames()).toEqual(["downloads"]);
  });
});
