import { expectTwins } from "../../core/test/mpi/expect-twins.ts";
import type { TwinProgram } from "../../core/test/mpi/twins.ts";
import type { MeshAxes } from "@meshwright/sharding";
import type { ExchangeOptions } from "./programs/exchange-rows.ts";
import type { ModelTwinOptions } from "./programs/model-twin.ts";
import type { LayerTwinOptions } from "./programs/moe-layer-twin.ts";

interface Options {
  readonly "exchange-rows": ExchangeOptions;
  readonly "moe-layer-twin": LayerTwinOptions & { readonly mesh: MeshAxes };
  readonly "model-twin": ModelTwinOptions;
}

function twin<Name extends keyof Options>(name: Name, options: Options[Name]): TwinProgram {
  return { program: new URL(`./programs/${name}.ts`, import.meta.url).href, options };
}

const layers: LayerTwinOptions["cases"] = {
  // Two experts get all tokens.
  "all to all": { tokens: [3], numExperts: 8, topK: 2, skewed: true, balance: { loss: 0.3, zLoss: 0.1 } },
  gathered: {
    ...{ tokens: [7], numExperts: 8, topK: 3, split: true, dispatcher: "all-gather", activation: "swiglu" },
    capacity: { factor: 0.9, drop: "probability" },
  },
};
const models: ModelTwinOptions["cases"] = {
  gpt: { model: "gpt", moe: { numExperts: 8, topK: 2, capacity: { factor: 1 } }, stage: 2 },
  llama: { model: "llama", moe: { numExperts: 4, topK: 2, balance: { biasRate: 0.01 } }, stage: 0 },
};

/** Rows of each rank for each expert: uneven, with zeros and a rank that sends nothing. */
const rowsOfTwo = [
  [2, 0, 1, 3],
  [0, 0, 5, 0],
];
const rowsOfFour = [
  [0, 1, 2, 0],
  [4, 0, 0, 0],
  [0, 0, 0, 0],
  [0, 0, 3, 0],
];

const ON_TWO = [
  twin("exchange-rows", { rows: rowsOfTwo, features: 3 }),
  twin("moe-layer-twin", { mesh: { ep: 2 }, cases: layers }),
];
const ON_FOUR = [
  twin("exchange-rows", { rows: rowsOfFour, features: 3 }),
  twin("moe-layer-twin", { mesh: { ep: 4 }, cases: layers }),
  twin("model-twin", { mesh: { dp: 2, ep: 2 }, cases: models }),
];

expectTwins("Layers and models of experts over MPI", { two: ON_TWO, four: ON_FOUR });
