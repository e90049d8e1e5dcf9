/**
 * The section with the loss curve.
 *
 * @packageDocumentation
 */
import { chart } from "../chart.ts";
import { markup, type Html } from "../html.ts";
import { formatLoss, formatNumber } from "../quantity.ts";
import type { ReportData } from "../report-data.ts";
import type { Section } from "../section.ts";
import { table } from "../table.ts";
import { lossChart } from "./loss-chart.ts";

/** The loss curve, and the validation losses as a table. */
export const lossSection: Section<ReportData> = (data) => {
  if (data.losses.length === 0) return undefined;
  const drawing = chart((size) => lossChart(data, size), {
    id: "loss",
    title: "Loss curve",
    description: describe(data),
  });
  return { heading: "Loss", body: markup`${drawing}${notFinite(data.losses)}${validationTable(data)}` };
};

/** The curve in words, for readers who cannot see it. */
function describe({ losses, validation, unigramEntropy }: ReportData): string {
  const training = `Training loss goes from ${formatLoss(losses[0]!)} to ${formatLoss(losses.at(-1)!)} nats per token in ${formatNumber(losses.length)} steps.`;
  const last = validation.at(-1);
  const validationText = last === undefined ? "" : ` Validation loss ends at ${formatLoss(last.loss)}.`;
  const entropyText =
    unigramEntropy === undefined ? "" : ` The unigram entropy is ${formatLoss(unigramEntropy)}.`;
  return `${training}${validationText}${entropyText}`;
}

function notFinite(losses: readonly number[]): Html | undefined {
  const steps = losses.flatMap((loss, index) => (Number.isFinite(loss) ? [] : [index + 1]));
  if (steps.length === 0) return undefined;
  const count = `${formatNumber(steps.length)} of ${formatNumber(losses.length)}`;
  return markup`<p class="warning">The loss is not a finite number in ${count} steps, first in step ${formatNumber(steps[0]!)}.</p>`;
}

function validationTable({ validation }: ReportData): Html | undefined {
  if (validation.length === 0) return undefined;
  const rows = table(validation, {
    caption: "Validation loss in nats per token",
    columns: [
      { heading: "Step", align: "right", cell: ({ step }) => formatNumber(step) },
      { heading: "Loss", align: "right", cell: ({ loss }) => formatLoss(loss) },
      { heading: "Perplexity", align: "right", cell: ({ loss }) => formatNumber(Math.exp(loss)) },
    ],
  });
  return markup`<details><summary>Validation losses as a table</summary>
${rows}</details>`;
}
