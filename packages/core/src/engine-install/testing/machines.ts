/**
 * Fake machines for the time of one test, and installations on them.
 *
 * @packageDocumentation
 */
import Module from "node:module";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { damagedFiles, readEngineRecord, type EngineRecord } from "../engine-record.ts";
import { installEngine, type InstallOptions, type InstallOutcome } from "../install.ts";
import { createFakeMachine, type FakeMachine, type FakeMachineOptions } from "./fake-machine.ts";

/** Returns what makes a machine that the end of the test removes. Call it once, at the top of a test file. */
export function useMachines(): (options?: FakeMachineOptions) => FakeMachine {
  const machines: FakeMachine[] = [];
  const { NODE_PATH: nodePath } = process.env;
  beforeAll(() => {
    // pnpm's NODE_PATH would show every package of the workspace to every folder.
    setNodePath("");
  });
  afterAll(() => {
    setNodePath(nodePath ?? "");
  });
  afterEach(() => {
    for (const machine of machines.splice(0)) machine.remove();
  });
  return (options) => {
    const machine = createFakeMachine(options);
    machines.push(machine);
    return machine;
  };
}

function setNodePath(value: string): void {
  process.env.NODE_PATH = value;
  (Reflect.get(Module, "_initPaths") as () => void)();
}

/** Installs from the wheel, if the options do not say otherwise. */
export async function install(
  machine: FakeMachine,
  options: Partial<InstallOptions> = {},
): Promise<InstallOutcome> {
  return installEngine({ ...machine.options, ...options });
}

/** The record of the installed engine, whose files are all as they were installed. */
export async function wholeEngine({ cache }: FakeMachine): Promise<EngineRecord> {
  const record = readEngineRecord(cache.engine)!;
  expect(await damagedFiles(cache.engine, record)).toEqual([]);
  return record;
}
