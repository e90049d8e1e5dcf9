/** The cpu engine, with its own kernels, against PyTorch. One engine per thread, so it has a file of its own. */
import { startEngine } from "../../src/engine/start.ts";
import { describeGPTStep } from "./gpt-step.ts";
import { describeUnits } from "./units.ts";

describeUnits("the cpu engine", () => startEngine({ prefer: "cpu" }));
describeGPTStep("the cpu engine", () => startEngine({ prefer: "cpu" }));
