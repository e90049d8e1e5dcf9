/**
 * `docs/communication.md`: what was predicted and what was counted.
 *
 * @packageDocumentation
 */
import type { LedgerTotal } from "@meshwright/core";
import { format, resolveConfig } from "prettier";
import { predictStep, totalsOf, type Predicted } from "./predict-step.ts";
import { BATCH, GPT_SIZES, LLAMA_SIZES, MODELS, POSITIONS, SETTINGS } from "./settings.ts";
import type { Training } from "./train-all.ts";

/** The document. */
export const documentFile = new URL("../../../../docs/communication.md", import.meta.url);

const NAMES = { gpt: "GPT", llama: "Llama" };

const COLLECTIVES: Readonly<Record<string, string>> = {
  ...{ allReduce: "all-reduce", allGather: "all-gather", reduceScatter: "reduce-scatter" },
  ...{ send: "send", receive: "receive" },
};

/** The document's text, from the counts of rank 0, which has the largest part of everything. */
export async function documentText(trainings: readonly Training[]): Promise<string> {
  const text = `${introduction()}\n${MODELS.map((model) => section(model, trainings)).join("\n")}\n${SOURCES}`;
  return format(text, { ...(await resolveConfig(documentFile)), filepath: documentFile.pathname });
}

function section(model: (typeof MODELS)[number], trainings: readonly Training[]): string {
  const rows = SETTINGS.flatMap((setting) => {
    const training = trainings.find((other) => other.model === model && other.setting.name === setting.name)!;
    const predicted = predictStep({ model, setting, rank: 0 });
    return rowsOf(setting.name, predicted, training.ranks[0]!.totals);
  });
  const header = [
    "setting",
    "over",
    "collective",
    "what",
    ...["calls predicted", "calls counted", "bytes predicted", "bytes counted"],
  ];
  const align = header.map((_, i) => (i < 4 ? "---" : "--:"));
  return `## ${NAMES[model]}\n\n${[header, align, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")}\n`;
}

/** One row per group and collective that was predicted or counted. */
function rowsOf(name: string, predicted: readonly Predicted[], counted: readonly LedgerTotal[]): string[][] {
  const rows = totalsOf([...predicted, ...counted]).map(({ group, collective }) => {
    const isSame = (total: LedgerTotal): boolean => total.group === group && total.collective === collective;
    const expected = totalsOf(predicted).find(isSame);
    const found = totalsOf(counted).find(isSame);
    const what = predicted.filter(isSame).map((line) => `${line.calls} ${line.what}`);
    return [
      ...[`\`${group}\``, COLLECTIVES[collective]!, what.join("; ")],
      ...[expected?.calls, found?.calls, expected?.bytesSent, found?.bytesSent].map((n) => String(n ?? 0)),
    ];
  });
  if (rows.length === 0) rows.push(["", "none", "", "0", "0", "0", "0"]);
  return rows.map((row, i) => [i === 0 ? name : "", ...row]);
}

function introduction(): string {
  const { vocabSize, features, layers } = GPT_SIZES;
  return `# What a training step communicates

One step of AdamW: forward, backward, reduction of the gradients, clipping by their norm, update, and reading the loss; on rank 0.
"Predicted" is what the papers below say must be sent, as a formula of sizes and mesh alone
(\`packages/sharding/test/models-on-meshes/predict-step.ts\`); "counted" is what the ledger of that rank saw. Bytes are those that
leave the rank. Two small models of ${layers} blocks, ${features} features and ${vocabSize} tokens (feed-forward ${GPT_SIZES.mlpFeatures} and ${LLAMA_SIZES.mlpFeatures}; the Llama with
${LLAMA_SIZES.keyValueHeads} key and value heads for ${LLAMA_SIZES.heads} query heads), on a batch of ${BATCH} sequences of ${POSITIONS} tokens. Gradients and parameters travel in buckets
of 1 MiB, of which these models fill a part of one.

\`packages/sharding/test/models-on-meshes.test.ts\` trains both models in every setting for 20 steps. Predicted and counted are equal on
every rank, and losses and weights are those of one rank: losses within a relative 1e-6, weights within 1e-5 of the largest. The tables are written by
\`node --import tsx --conditions=@meshwright/source packages/sharding/test/models-on-meshes/write.ts\`; the test checks that they fit.
`;
}

const SOURCES = `## Where the numbers come from

Legend: B = sequences and T = positions on a rank, D = features, N = ranks, S = bytes of all parameters on a rank.

- **tp.** Heads, hidden features and vocabulary are split. A block needs two all-reduces of \`[B, T, D]\` forward and two backward; the
  embedding one forward, the head one backward. Of the logits only three numbers per token are reduced, in two calls (the largest must be
  known before exponentials are added). Shoeybi et al. 2019, [Megatron-LM](https://arxiv.org/abs/1909.08053), section 3.
- **sequence.** Each of these all-reduces is a reduce-scatter where it was, and an all-gather before the next product: the same bytes. What
  is used on a part of the positions (norms, row-parallel biases, positions) has gradients that are partial sums, reduced in one call.
  Korthikanti et al. 2022, [Reducing activation recomputation](https://arxiv.org/abs/2205.05198), section 4.2.
- **dp.** All gradients once: 2S(N-1)/N, in one all-reduce per bucket. Li et al. 2020,
  [PyTorch Distributed](https://arxiv.org/abs/2006.15704), section 3.2.
- **ZeRO-1 and -2.** A reduce-scatter of the gradients and an all-gather of the parameters: again 2S(N-1)/N. **ZeRO-3**: the reduce-scatter,
  and an all-gather of the parameters for each pass, at most 3S(N-1)/N. It is less here, because the backward pass does not read biases and
  tables. Calls are one per parameter and pass: what is gathered is freed after use. Rajbhandari et al. 2020,
  [ZeRO](https://arxiv.org/abs/1910.02054), section 7. Beside tp, biases that tp has split are not split again, and all-reduced.
- **cp.** In each layer keys and values go to the next rank N - 1 times forward, and N - 1 times backward, where their gradients
  follow. Liu et al. 2023, [Ring attention](https://arxiv.org/abs/2310.01889), section 3. Gradients are partial over cp as they are over dp, and are
  reduced with one all-reduce over the ranks of both.
- **Scalars.** The loss is summed over the ranks that split the tokens, the squared norm over those that split the gradients: 4 bytes each.
`;
