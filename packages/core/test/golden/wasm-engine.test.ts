/** The wasm engine, with its own kernels, against PyTorch. One engine per thread, so it has a file of its own. */
import { startEngine } from "../../src/engine/start.ts";
import { describeGPTStep } from "./gpt-step.ts";
import { describeLlamaStep } from "./llama-step.ts";
import { describeLosses } from "./losses.ts";
import { describeUnits } from "./units.ts";

describeUnits("the wasm engine", () => startEngine({ prefer: "wasm" }));
describeGPTStep("the wasm engine", () => startEngine({ prefer: "wasm" }));
describeLlamaStep("the wasm engine", () => startEngine({ prefer: "wasm" }));
describeLosses("the wasm engine", () => startEngine({ prefer: "wasm" }));
