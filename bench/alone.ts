/**
 * Benchmarks that take options of their own and print their own tables; not part of the page that the others make.
 *
 * @packageDocumentation
 */

/** By name, what each measures. */
export const ALONE = {
  autograd: "vjp and checkpoint beside tfjs' own gradients",
  checkpoint: "saving and loading a training, at once and in the background",
  "context-parallel": "causal attention over a long sequence, dense and in a ring of two ranks",
  "data-parallel": "gradient buckets and the ZeRO stages",
  pytorch: "a GPT's training step and single operations beside plain tfjs-node and PyTorch",
  mpi: "every collective over MPI beside the same loop in C, and beside threads",
  copies: "reading an engine's memory for a collective, and making a tensor of its result",
  redistribute: "all-reduces over two axes at once, and into another buffer",
  moe: "experts grouped, looped and padded; router and dispatch; experts on two ranks",
  "hugging-face": "loading and saving GPT-2 and Llama weights",
} as const;

/** The file of the benchmark of this name, if it is one of them. */
export function findAlone(name: string | undefined): URL | undefined {
  if (name === undefined || !Object.hasOwn(ALONE, name)) return undefined;
  return new URL(`./${name}/main.ts`, import.meta.url);
}
