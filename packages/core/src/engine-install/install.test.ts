import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { stat } from "node:fs/promises";
import Module from "node:module";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { damagedFiles, readEngineRecord, type EngineRecord } from "./engine-record.ts";
import { EngineInstallError } from "./install-error.ts";
import { installEngine, type InstallOptions, type InstallOutcome } from "./install.ts";
import { removeEngine } from "./remove.ts";
import { createFakeMachine, type FakeMachine, type FakeMachineOptions } from "./testing/fake-machine.ts";
import { writeFakeWheel } from "./testing/fake-wheel.ts";

const machines: FakeMachine[] = [];

// pnpm's NODE_PATH would show every package of the workspace to every folder.
const { NODE_PATH: nodePath } = process.env;
beforeAll(() => {
  setNodePath("");
});
afterAll(() => {
  setNodePath(nodePath ?? "");
});

function setNodePath(value: string): void {
  process.env.NODE_PATH = value;
  (Reflect.get(Module, "_initPaths") as () => void)();
}

function machineOf(options?: FakeMachineOptions): FakeMachine {
  const machine = createFakeMachine(options);
  machines.push(machine);
  return machine;
}

afterEach(() => {
  for (const machine of machines.splice(0)) machine.remove();
});

/** Of a machine on which the installation succeeds. */
async function install(machine: FakeMachine, options: Partial<InstallOptions> = {}): Promise<InstallOutcome> {
  return installEngine({ ...machine.options, ...options });
}

/** The message of an installation that fails. */
async function failure(machine: FakeMachine, options: Partial<InstallOptions> = {}): Promise<string> {
  const error: unknown = await install(machine, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EngineInstallError);
  return (error as EngineInstallError).message;
}

/** The record of the installed engine, whose files are all as they were installed. */
async function wholeEngine({ cache }: FakeMachine): Promise<EngineRecord> {
  const record = readEngineRecord(cache.engine)!;
  expect(await damagedFiles(cache.engine, record)).toEqual([]);
  return record;
}

describe("installEngine from a wheel", () => {
  test("leaves the libraries, the addon and the record in the folder, and nothing else in the cache", async () => {
    const machine = machineOf();
    writeFakeWheel(machine.index);
    const outcome = await install(machine);
    const { engine } = machine.cache;
    expect(outcome).toMatchObject({ kind: "installed", folder: engine });
    expect(await wholeEngine(machine)).toMatchObject({
      source: "wheel",
      tensorflowVersion: "2.21.0",
      tfjsNodeVersion: "4.22.0",
      addon: "tfjs_binding.node",
      gpu: false,
      threadSafe: true,
      nodeApi: 8,
      platform: process.platform,
      arch: process.arch,
    });
    expect(readFileSync(join(engine, "libtensorflow_cc.so.2"), "utf8")).toBe("the library ".repeat(5000));
    expect(readlinkSync(join(engine, "libtensorflow.so"))).toBe("libtensorflow_cc.so.2");
    expect(machine.cacheNames()).toEqual(["tensorflow", readlinkSync(engine)]);
    const steps = new Set(machine.said.map((line) => line.split(":")[0]));
    expect([...steps]).toEqual(["fetch", "unpack", "build", "load", "put in place"]);
  });

  test("does nothing where it is installed and whole, and repairs what is damaged", async () => {
    const machine = machineOf();
    writeFakeWheel(machine.index);
    await install(machine);
    const calls = machine.calls();
    expect(await install(machine)).toMatchObject({ kind: "present" });
    expect(machine.calls()).toEqual(calls);
    appendFileSync(join(machine.cache.engine, "libtensorflow_framework.so.2"), "x");
    expect(await install(machine)).toMatchObject({ kind: "installed" });
    expect(machine.said).toContain(
      "installing anew, because these files changed: libtensorflow_framework.so.2",
    );
    await wholeEngine(machine);
  });

  test("asks for the build with CUDA where GPUs are wanted", async () => {
    const machine = machineOf();
    writeFakeWheel(machine.index, { project: "tensorflow" });
    await install(machine, { gpu: true });
    expect(machine.calls()[0]).toMatch(/ tensorflow==2\.21\.0$/);
    expect((await wholeEngine(machine)).gpu).toBe(true);
  });

  test("takes the wheel for another Python where there is none for the machine's", async () => {
    const machine = machineOf();
    writeFakeWheel(machine.index);
    await install(machine, { env: { ...machine.env, FAKE_PYTHON_UNSUPPORTED: "1" } });
    expect(machine.calls()[1]).toContain("--python-version 3.12");
    await wholeEngine(machine);
  });

  test("takes a wheel at hand without pip, and leaves it there", async () => {
    const machine = machineOf({ pip: false });
    const wheel = writeFakeWheel(machine.index);
    await install(machine, { wheel });
    await wholeEngine(machine);
    expect(existsSync(wheel)).toBe(true);
  });

  test("fetches tfjs-node's JavaScript where the program has none", async () => {
    const machine = machineOf({ tfjsNode: false, npm: true });
    writeFakeWheel(machine.index);
    await install(machine);
    expect(existsSync(join(machine.cache.engine, "tfjs-node/binding/tfjs_backend.cc"))).toBe(true);
    expect((await wholeEngine(machine)).tfjsNodeVersion).toBe("4.22.0");
  });

  test("is done once by two that run at the same time", async () => {
    const machine = machineOf();
    writeFakeWheel(machine.index);
    const outcomes = await Promise.all([install(machine), install(machine)]);
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(["installed", "present"]);
    expect(machine.calls().filter((call) => call.startsWith("python3"))).toHaveLength(1);
    expect(machine.said).toContain(`waiting for another installation into ${machine.cache.root}`);
    await wholeEngine(machine);
  });

  test("goes on from what a killed installation left", async () => {
    const machine = machineOf({ pip: true });
    const { cache } = machine;
    mkdirSync(join(cache.root, ".staging-dead/engine"), { recursive: true });
    mkdirSync(cache.downloads);
    writeFakeWheel(cache.downloads);
    await install(machine);
    expect(machine.calls().filter((call) => call.startsWith("python3"))).toEqual([]);
    expect(machine.cacheNames()).toEqual(["tensorflow", readlinkSync(cache.engine)]);
  });

  test("replaces an engine that was copied there as a plain folder", async () => {
    const machine = machineOf();
    writeFakeWheel(machine.index);
    mkdirSync(machine.cache.engine, { recursive: true });
    writeFileSync(join(machine.cache.engine, "old"), "");
    await install(machine);
    await wholeEngine(machine);
    expect(machine.cacheNames()).toEqual(["tensorflow", readlinkSync(machine.cache.engine)]);
  });
});

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

describe("removeEngine", () => {
  test("removes the engine and what an interrupted installation left", async () => {
    const machine = machineOf();
    writeFakeWheel(machine.index);
    expect(await removeEngine({ env: machine.env })).toEqual({
      folder: machine.cache.engine,
      existed: false,
    });
    await install(machine);
    mkdirSync(join(machine.cache.root, ".staging-dead"));
    expect(await removeEngine({ env: machine.env })).toEqual({ folder: machine.cache.engine, existed: true });
    expect(machine.cacheNames()).toEqual([]);
  });
});
