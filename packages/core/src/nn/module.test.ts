import { expect, test } from "vitest";
import { Dropout } from "./dropout.ts";
import { Linear } from "./linear.ts";
import { GeluMLP } from "./mlp.ts";
import { namedModules, namedParameters, setLossScale, setTraining } from "./module.ts";

test("parameters are named by their path, arrays included, tied ones once", () => {
  const tied = new Linear({ inFeatures: 2, outFeatures: 3, bias: false });
  const model = {
    embedding: tied,
    blocks: [
      new GeluMLP({ features: 2, hiddenFeatures: 5 }),
      new GeluMLP({ features: 2, hiddenFeatures: 7 }),
    ],
    head: tied,
    size: 4,
    nothing: undefined,
  };
  const shapes = [...namedParameters(model)].map(([name, { shape }]) => `${name} ${shape.join("x")}`);
  expect(shapes).toEqual([
    "embedding.weight 2x3",
    "blocks.0.up.weight 2x5",
    "blocks.0.up.bias 5",
    "blocks.0.down.weight 5x2",
    "blocks.0.down.bias 2",
    "blocks.1.up.weight 2x7",
    "blocks.1.up.bias 7",
    "blocks.1.down.weight 7x2",
    "blocks.1.down.bias 2",
  ]);
});

test("objects that are not modules are not walked", () => {
  class Mesh {
    readonly weight = new Linear({ inFeatures: 1, outFeatures: 1 });
  }
  expect([...namedParameters({ mesh: new Mesh() }).keys()]).toEqual([]);
});

test("setTraining reaches every dropout", () => {
  const make = (name: string): Dropout => new Dropout({ rate: 0.5, seed: 1, name });
  const model = { first: make("a"), rest: [{ second: make("b") }] };
  setTraining(model, false);
  expect([model.first.training, model.rest[0]!.second.training]).toEqual([false, false]);
  setTraining(model, true);
  expect([model.first.training, model.rest[0]!.second.training]).toEqual([true, true]);
});

test("modules are named by their path, parents first; the root is the empty name if it is one", () => {
  const mlp = new GeluMLP({ features: 2, hiddenFeatures: 5 });
  expect([...namedModules(mlp).keys()]).toEqual(["", "up", "down"]);
  expect([...namedModules({ blocks: [mlp] }).keys()]).toEqual(["blocks.0", "blocks.0.up", "blocks.0.down"]);
  expect(namedModules({ blocks: [mlp] }).get("blocks.0")).toBe(mlp);
});

test("the loss scale is set where there is one", () => {
  const layer = { lossScale: 1, apply: () => undefined };
  const model = { blocks: [{ mlp: layer }, { mlp: { apply: () => undefined } }] };
  setLossScale(model, 0.25);
  expect(layer.lossScale).toBe(0.25);
  expect(model.blocks[1]!.mlp).not.toHaveProperty("lossScale");
});
