import { describe, expect, test } from "vitest";
import { parseTrainingOptions } from "../cli/training-options.ts";
import { command } from "./command.ts";
import { checkExperts, modelFacts, moeOptions } from "./moe-options.ts";

const parse = (...args: string[]) => parseTrainingOptions(args, command);
const check = (...args: string[]): void => {
  checkExperts(parse(...args));
};

describe("the experts that the command line asks for", () => {
  test("do as much work per token as the dense block, unless told otherwise", () => {
    expect(moeOptions(parse("--features", "24", "--top-k", "3"))).toEqual({
      ...{ numExperts: 8, topK: 3, everyNth: 1, seed: 1, hidden: 32 },
      balance: { loss: 0.1 },
    });
    expect(
      moeOptions(parse("--expert-features", "7", "--capacity-factor", "1.5", "--every-nth", "2")),
    ).toMatchObject({
      ...{ hidden: 7, everyNth: 2 },
      capacity: { factor: 1.5 },
    });
  });

  test("are balanced by a loss, by a bias of sigmoid scores, or not at all", () => {
    const of = (...args: string[]) => {
      const { balance, router } = moeOptions(parse("--balance", ...args));
      return { balance, router };
    };
    expect(of("loss", "--balance-strength", "0.5")).toEqual({ balance: { loss: 0.5 }, router: undefined });
    expect(of("bias")).toEqual({ balance: { biasRate: 0.01 }, router: { scoreFunction: "sigmoid" } });
    expect(of("none")).toEqual({ balance: undefined, router: undefined });
    expect(of("none", "--top-k", "1")).toEqual({ balance: undefined, router: { order: "scoreFirst" } });
  });

  test("are refused before ranks start where they do not fit", () => {
    check("--mesh", "ep=2,dp=2", "--experts", "6");
    expect(() => {
      check("--mesh", "ep=4", "--experts", "6");
    }).toThrow("--experts (6) must be a multiple of the ranks on ep (4); use --experts 8.");
    expect(() => {
      check("--top-k", "3");
    }).toThrow(
      "--top-k (3) must divide 4 * --features (512), for a dense model of the same work; use --expert-features.",
    );
    expect(() => {
      check("--experts", "2", "--top-k", "4");
    }).toThrow("topK (4) must be an integer from 1 to numExperts (2)");
    expect(() => {
      check("--capacity-factor", "0");
    }).toThrow(/capacity.*factor \(0\)/);
    expect(() => {
      check("--layers", "2", "--every-nth", "3");
    }).toThrow("everyNth (3)");
  });
});

describe("the facts of a model", () => {
  const sizes = { vocabSize: 11, contextLength: 8, features: 12, heads: 2, layers: 2 };

  test("beside the dense one: the same work but for the gate", () => {
    const { flops, denseFlops, totalParameters, activeParameters, denseParameters } = modelFacts(sizes, {
      ...{ numExperts: 4, topK: 2, hidden: 24 },
    });
    const gate = 12 * 4;
    expect(flops.active - denseFlops).toBe(2 * 2 * gate); // 2 per weight, in 2 blocks
    // Experts have no biases: the dense block has one per hidden feature and one per feature.
    expect(activeParameters - denseParameters).toBe(2 * (gate - (48 + 12)));
    expect(totalParameters - activeParameters).toBe(2 * 2 * (2 * 12 * 24)); // 2 idle experts in 2 blocks
  });

  test("2 of 64 experts take 97% fewer expert FLOPs than all", () => {
    const { flops } = modelFacts(sizes, { numExperts: 64, topK: 2, hidden: 24 });
    expect(1 - flops.activeExperts / flops.denseAllExperts).toBe(1 - 2 / 64); // 0.96875
  });
});
