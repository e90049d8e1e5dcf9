import { readFile } from "node:fs/promises";
import { startEngine } from "@meshwright/core";
import { beforeAll, describe, expect, test } from "vitest";
import { builtinRules, createRuleTable } from "../src/rules/registry.ts";
import { replicatedList, replicationReason } from "../src/rules/replicated.ts";
import { allCalls } from "./op-coverage/all-calls.ts";
import {
  allKernelNames,
  readRecord,
  registeredKernels,
  tableFile,
  tableText,
} from "./op-coverage/documents.ts";
import { tfjsKernelNames } from "./op-coverage/kernel-names.ts";
import { isOfPage, WRITE_COMMAND } from "./op-coverage/table.ts";
import type { Measured } from "./op-coverage/measured.ts";

const rules = createRuleTable(builtinRules());
let names: readonly string[];
let measured: Measured;

beforeAll(async () => {
  await startEngine({ prefer: "wasm" });
  names = allKernelNames(registeredKernels("wasm"));
  measured = await readRecord();
});

describe("coverage of tfjs' kernels", () => {
  test("the names that tfjs exports are found", () => {
    expect(tfjsKernelNames()).toHaveLength(180);
    expect(names).toContain("AdamWUpdate");
  });

  test("every kernel has a rule or a reason to stay replicated, and none has both", () => {
    expect(
      names.filter((name) => rules.lookup(name) === undefined && replicationReason(name) === undefined),
    ).toEqual([]);
    const listed = replicatedList.flatMap(({ kernels }) => kernels);
    expect(listed.filter((name) => rules.lookup(name) !== undefined)).toEqual([]);
    expect(new Set(listed).size).toBe(listed.length);
    expect(listed.filter((name) => !names.includes(name))).toEqual([]);
  });

  test("every kernel that an engine has was measured, and equals dense sharded, forward and backward", () => {
    const met = new Set(
      measured.calls.flatMap(({ engines }) =>
        Object.values(engines).flatMap(({ forward, backward }) => [...forward, ...backward]),
      ),
    );
    expect(registeredKernels("wasm").filter((name) => !met.has(name) && !isOfPage(name))).toEqual([]);
    for (const { kernel, variant, engines } of measured.calls) {
      for (const [engine, { value, gradient }] of Object.entries(engines)) {
        const isRight = value === "equal" && /^(equal|none|tfjs: .*)$/.test(gradient);
        expect(isRight, `${kernel} ${variant ?? ""} on ${engine}: ${value}; gradient ${gradient}`).toBe(true);
      }
    }
  });

  test("the record has the calls of the table in which it was measured", () => {
    const keys = (calls: readonly { readonly kernel: string; readonly variant?: string }[]): string[] =>
      calls.map(({ kernel, variant }) => `${kernel} ${variant ?? ""}`);
    expect(keys(measured.calls)).toEqual(keys(allCalls));
  });

  test("docs/op-coverage.md is what the rules and the record give", async () => {
    const stale = `run ${WRITE_COMMAND}, with --rules-only if only strategies changed`;
    expect(await readFile(tableFile, "utf8"), stale).toBe(await tableText(measured));
  });
});
