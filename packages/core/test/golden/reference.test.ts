/** The reference kernels on plain tfjs backends against PyTorch. */
import { describeGPTStep } from "./gpt-step.ts";
import { describeLlamaStep } from "./llama-step.ts";
import { describeLosses } from "./losses.ts";
import { TEST_BACKENDS, useTestEngine } from "./test-engine.ts";
import { describeUnits } from "./units.ts";

for (const name of TEST_BACKENDS) {
  describeUnits(`the plain ${name} backend`, () => useTestEngine(name));
  describeGPTStep(`the plain ${name} backend`, () => useTestEngine(name));
  describeLlamaStep(`the plain ${name} backend`, () => useTestEngine(name));
  describeLosses(`the plain ${name} backend`, () => useTestEngine(name));
}
