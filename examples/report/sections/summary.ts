/**
 * The section with the figures that a reader looks for first.
 *
 * @packageDocumentation
 */
import { markup } from "../html.ts";
import { formatLoss, formatMs, formatNumber } from "../quantity.ts";
import type { ReportData } from "../report-data.ts";
import type { Section } from "../section.ts";

/** Validation loss beside the unigram entropy, speed, and communication per step. */
export const summarySection: Section<ReportData> = (data) => {
  const { losses, validation, unigramEntropy } = data;
  const lastLoss = losses.at(-1);
  const calls = data.communication.reduce((sum, row) => sum + row.callsPerStep, 0);
  const tiles = [
    tile("Validation loss", validation.at(-1)?.loss, { format: formatLoss, unit: "nats per token" }),
    tile("Unigram entropy", unigramEntropy, {
      format: formatLoss,
      unit: "nats per token, the bar to clear",
    }),
    tile("Training loss", lastLoss, { format: formatLoss, unit: `in step ${formatNumber(losses.length)}` }),
    tile("Speed", data.tokensPerSecond, {
      format: (value) => formatNumber(Math.round(value)),
      unit: "tokens per second",
    }),
    tile("Step", data.stepMs, { format: formatMs, unit: "median" }),
    tile("Collectives", data.communication.length === 0 ? undefined : calls, {
      format: formatNumber,
      unit: "calls per step and rank",
    }),
  ];
  return {
    heading: "Result",
    body: markup`<ul class="tiles">${tiles}</ul>`,
  };
};

function tile(
  name: string,
  value: number | undefined,
  { format, unit }: { readonly format: (value: number) => string; readonly unit: string },
) {
  if (value === undefined) return undefined;
  return markup`<li><span class="name">${name}</span> <strong>${format(value)}</strong> <span class="unit">${unit}</span></li>
`;
}
