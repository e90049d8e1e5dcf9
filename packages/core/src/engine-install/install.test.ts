import { appendFileSync, existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FUSED_KERNELS_FILE } from "../engine/tensorflow-kernels/native-sources.ts";
import { removeEngine } from "./remove.ts";
import { writeFakeWheel } from "./testing/fake-wheel.ts";
import { install, useMachines, wholeEngine } from "./testing/machines.ts";

const machineOf = useMachines();

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

  test("builds the fused operations anew where another version of the package built them", async () => {
    const machine = machineOf();
    writeFakeWheel(machine.index);
    await install(machine);
    const record = await wholeEngine(machine);
    expect(Object.keys(record.sha256)).toContain(FUSED_KERNELS_FILE);
    const path = join(machine.cache.engine, "engine.json");
    writeFileSync(path, JSON.stringify({ ...record, fusedSources: "of another version" }));
    const calls = machine.calls().length;
    expect(await install(machine)).toMatchObject({ kind: "present" });
    const later = machine.calls().slice(calls).join("\n");
    expect(later).toMatch(/g\+\+ .*fused-kernels\.cc/);
    expect(later).not.toMatch(/python3|tfjs_backend/);
    expect(await wholeEngine(machine)).toEqual(record);
    expect(machine.cacheNames()).toEqual(["tensorflow", readlinkSync(machine.cache.engine)]);
  });

  test("asks for the build with CUDA where GPUs are wanted", async () => {
    const machine = machineOf();
    writeFakeWheel(machine.index, { project: "tensorflow" });
    await install(machine, { gpu: true });
    expect(machine.calls()[0]).toMatch(/ tensorflow==2\.21\.0$/);
    const record = await wholeEngine(machine);
    expect(record.gpu).toBe(true);
    expect(Object.keys(record.sha256)).not.toContain(FUSED_KERNELS_FILE);
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
    const folder = join(machine.cache.engine, "tfjs-node");
    expect(existsSync(join(folder, "binding/tfjs_backend.cc"))).toBe(true);
    expect(existsSync(join(folder, "node_modules/google-protobuf/package.json"))).toBe(true);
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
