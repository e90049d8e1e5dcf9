/** The tensorflow engine, with its own kernels, against PyTorch. One engine per thread, so it has a file of its own. */
import { describe } from "vitest";
import { startEngine } from "../../src/engine/start.ts";
import { nativeLibraryMissing } from "../../src/engine/test/native-library.ts";
import { describeGPTStep } from "./gpt-step.ts";
import { describeLlamaStep } from "./llama-step.ts";
import { describeLosses } from "./losses.ts";
import { describeUnits } from "./units.ts";

// The engine adds in other orders than the one for which the bounds were set; AdamW divides small gradients by themselves.
const roundings = 2;
const missing = nativeLibraryMissing();

describe.skipIf(missing !== undefined)(`with a native library${missing ?? ""}`, () => {
  describeUnits("the tensorflow engine", () => startEngine({ prefer: "tensorflow" }));
  describeGPTStep("the tensorflow engine", () => startEngine({ prefer: "tensorflow" }), { roundings });
  describeLlamaStep("the tensorflow engine", () => startEngine({ prefer: "tensorflow" }), { roundings });
  describeLosses("the tensorflow engine", () => startEngine({ prefer: "tensorflow" }));
});
