import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { memoryTable, MIXED_PRECISION_ADAM, MIXED_PRECISION_ADAM_FLOAT32_GRADIENTS } from "./memory-table.ts";

describe("memoryTable", () => {
  test("has the figures of the ZeRO paper: 7.5e9 parameters on 64 ranks", () => {
    const rows = memoryTable({ parameters: 7.5e9, ranks: 64, bytesPerParameter: MIXED_PRECISION_ADAM });
    // Figure 1 prints 120, 31.4, 16.6 and 1.9 GB.
    expect(rows.map(({ total }) => Number((total / 1e9).toFixed(1)))).toEqual([120, 31.4, 16.6, 1.9]);
  });

  test("70e9 parameters: 140 GB in bf16, 1.12 TB with Adam, 1.4 TB with float32 gradients to add up in", () => {
    const ranks = 64;
    const paper = memoryTable({ parameters: 70e9, ranks, bytesPerParameter: MIXED_PRECISION_ADAM });
    expect(paper[0]).toEqual({
      stage: 0,
      parameters: 140e9,
      gradients: 140e9,
      optimizer: 840e9,
      total: 1.12e12,
    });
    expect(paper[3]!.total).toBe(1.12e12 / 64);
    const accumulated = memoryTable({
      parameters: 70e9,
      ranks,
      bytesPerParameter: MIXED_PRECISION_ADAM_FLOAT32_GRADIENTS,
    });
    expect(accumulated[0]!.total).toBe(1.4e12);
  });

  test("in float32, splits one kind of state more at each stage", () => {
    expect(memoryTable({ parameters: 6, ranks: 3 })).toEqual([
      { stage: 0, parameters: 24, gradients: 24, optimizer: 48, total: 96 },
      { stage: 1, parameters: 24, gradients: 24, optimizer: 16, total: 64 },
      { stage: 2, parameters: 24, gradients: 8, optimizer: 16, total: 48 },
      { stage: 3, parameters: 8, gradients: 8, optimizer: 16, total: 32 },
    ]);
  });

  test("refuses no ranks", () => {
    expect(() => memoryTable({ parameters: 1, ranks: 0 })).toThrow(
      new ContractError(
        "memoryTable: parameters (1) and ranks (0) must be positive, and ranks whole; use for example { parameters: 70e9, ranks: 64 }.",
      ),
    );
  });
});
