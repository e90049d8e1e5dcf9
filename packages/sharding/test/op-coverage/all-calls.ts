/**
 * Every call that the coverage table is measured with.
 *
 * @packageDocumentation
 */
import { convCalls } from "./calls/conv.ts";
import { fusedCalls } from "./calls/fused.ts";
import { imageCalls } from "./calls/image.ts";
import { pointwiseCalls } from "./calls/pointwise.ts";
import { productCalls, reductionCalls } from "./calls/reduction.ts";
import { replicatedCalls, shapeCalls } from "./calls/shape.ts";
import { raggedCalls, textCalls } from "./calls/text.ts";
import type { OpCall } from "./op-call.ts";

/** In the order in which they are run. */
export const allCalls: readonly OpCall[] = [
  ...pointwiseCalls,
  ...reductionCalls,
  ...productCalls,
  ...shapeCalls,
  ...convCalls,
  ...imageCalls,
  ...fusedCalls,
  ...replicatedCalls,
  ...textCalls,
  ...raggedCalls,
];
