import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { expertBlocks } from "./expert-blocks.ts";

describe("expertBlocks", () => {
  test.each([
    [{}, [0, 1, 2, 3, 4, 5]],
    [{ everyNth: 2 }, [1, 3, 5]],
    [{ everyNth: 3 }, [2, 5]],
    [{ firstDense: 3 }, [3, 4, 5]],
    [{ firstDense: 1, everyNth: 2 }, [2, 4]],
  ])("%j of six", (options, blocks) => {
    expect(expertBlocks("test", { layers: 6, ...options })).toEqual(blocks);
  });

  test("lists what is wrong, and refuses a model without experts", () => {
    expect(() => expertBlocks("moeGPT", { layers: 4, everyNth: 0, firstDense: 1.5 })).toThrow(
      new ContractError(
        "moeGPT:\n- moe.everyNth (0) must be a positive integer; use 1 for experts in every block.\n- moe.firstDense (1.5) must be an integer of at least 0; use 0 for none.",
      ),
    );
    expect(() => expertBlocks("moeGPT", { layers: 4, everyNth: 2, firstDense: 3 })).toThrow(
      new ContractError(
        "moeGPT: moe.firstDense (3) + moe.everyNth (2) must be at most layers (4), so that a block has experts; use smaller ones, or a model without experts.",
      ),
    );
  });
});
