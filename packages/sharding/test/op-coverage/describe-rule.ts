/**
 * What a rule does with a call, in a cell of a table.
 *
 * @packageDocumentation
 */
import type { DataType } from "@tensorflow/tfjs";
import type { Placement } from "../../src/placement.ts";
import type { AxisStrategy, KernelCall, Rule } from "../../src/rules/rule.ts";
import type { SampleCall } from "./measured.ts";

/** `S0, R → S0` per strategy on an axis of two ranks. */
export function describeRule(rule: Rule, sample: SampleCall): string {
  const call: KernelCall = {
    ...sample,
    inputs: sample.inputs.map((input) => ({ ...input, dtype: input.dtype as DataType })),
  };
  const strategies = rule.strategies(call, { size: 2, piecesByOthers: () => 1 });
  if (strategies.length === 0) return "whole on every rank";
  return [...new Set(strategies.map(describeStrategy))].map((text) => `\`${text}\``).join("<br>");
}

function describeStrategy({ inputs, outputs, localBytes }: AxisStrategy): string {
  const list = (placements: readonly Placement[]): string => placements.map(shortPlacement).join(", ");
  return `${list(inputs)} → ${list(outputs)}${localBytes === undefined ? "" : " *"}`;
}

function shortPlacement(placement: Placement): string {
  switch (placement.kind) {
    case "shard":
      return `S${placement.dim}`;
    case "replicate":
      return "R";
    case "partial":
      return placement.op === "sum" ? "P" : `P${placement.op}`;
  }
}
