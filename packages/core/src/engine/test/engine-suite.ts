/**
 * The suite that every engine passes: the kernels that Meshwright uses, forward and gradient, against float64 values.
 *
 * | part             | expected values                                                                  |
 * | ---------------- | -------------------------------------------------------------------------------- |
 * | `elementwise`    | `Math` in float64, derivatives by formula                                        |
 * | `mat-mul`        | sums in float64                                                                  |
 * | `move`           | indices, exactly                                                                 |
 * | `reduce`         | sums in float64                                                                  |
 * | `conv-gradients` | the cpu backend, and by hand                                                     |
 * | `fused`          | the reference kernels of `kernels/`, which compute in float64; so on other engines than `cpu`, which runs those |
 * | `cross-entropy`  | the same                                                                         |
 *
 * @packageDocumentation
 */
import type { EngineName } from "../engine.ts";
import { describeConvGradients } from "./conv-gradients.ts";
import { describeCrossEntropy } from "./cross-entropy.ts";
import { describeElementwise } from "./elementwise.ts";
import { describeFused } from "./fused.ts";
import { describeMatMul } from "./mat-mul.ts";
import { describeMoves } from "./move.ts";
import { describeReductions } from "./reduce.ts";

/** Describes the suite for one engine. One engine per thread, so each has a test file of its own. */
export function describeEngine(engine: EngineName): void {
  describeElementwise(engine);
  describeMatMul(engine);
  describeMoves(engine);
  describeReductions(engine);
  describeConvGradients(engine);
  if (engine === "cpu") return;
  describeFused(engine);
  describeCrossEntropy(engine);
}
