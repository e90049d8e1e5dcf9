/**
 * A GPT or Llama as a list of layers.
 *
 * Legend: T = positions, D = features.
 *
 * @packageDocumentation
 */
import { namedParameters, type GPT, type Llama } from "@meshwright/core";
import { moduleLayer, type PipelineLayer } from "./stage.ts";

/**
 * Embeddings, blocks, and final norm with head: `layers + 2` layers, with the parameter names of the model.
 *
 * @example
 * ```ts
 * const stageMesh = subMesh(mesh, { without: "pp" });
 * const layers = gptLayers(parallelGPT({ mesh: stageMesh, axis: "tp", ...sizes }));
 * ```
 */
export function gptLayers(model: GPT | Llama): PipelineLayer[] {
  const { tokenEmbedding, finalNorm, head } = model;
  const positions = "positionEmbedding" in model && { positionEmbedding: model.positionEmbedding };
  const features = namedParameters(finalNorm).values().next().value?.shape[0];
  const inputShape = [undefined, features]; // [B, T, D]
  return [
    {
      name: "embedding",
      parameters: namedParameters({ tokenEmbedding, ...positions }),
      inputShape: [undefined],
      apply: (tokens) => model.embed(tokens),
    },
    ...model.blocks.map((block, i) => moduleLayer(`blocks.${i}`, block, { inputShape })),
    {
      name: "head",
      parameters: namedParameters({ finalNorm, head }),
      inputShape,
      apply: (x) => model.logits(x),
    },
  ];
}
