/**
 * The section on the load of experts.
 *
 * @packageDocumentation
 */
import type { LayerLoad, LoadReport } from "@meshwright/moe";
import { chart } from "../chart.ts";
import type { ExpertLoadData } from "../expert-load-data.ts";
import { markup, type Html } from "../html.ts";
import { formatNumber } from "../quantity.ts";
import type { Section } from "../section.ts";
import { table } from "../table.ts";
import { LOAD_LEVELS, loadChart, loadChartHeight } from "./load-chart.ts";

/** Warnings, the figures of the last steps, and a heat map with curves for every layer of experts. */
export const expertLoadSection: Section<ExpertLoadData> = ({ expertLoad }) => {
  if (expertLoad === undefined || expertLoad.layers.length === 0) return undefined;
  const { layers } = expertLoad;
  return {
    heading: "Load of experts",
    body: markup`${warnings(expertLoad)}${figures(layers)}${legend()}${layers.map(drawing)}`,
  };
};

function warnings({ warnings: found }: LoadReport): Html | undefined {
  if (found.length === 0) return undefined;
  return markup`${found.map(({ message }) => markup`<p class="warning">${message}</p>\n`)}`;
}

function figures(layers: readonly LayerLoad[]): Html {
  const numSteps = layers[0]!.final.numSteps;
  return table(layers, {
    caption: `Last ${formatNumber(numSteps)} steps; imbalance is the busiest expert over the mean`,
    columns: [
      { heading: "Layer", cell: ({ layer }) => layer },
      { heading: "Experts", align: "right", cell: ({ numExperts }) => numExperts },
      { heading: "Imbalance", align: "right", cell: ({ final }) => final.imbalance.toFixed(3) },
      { heading: "Entropy", align: "right", cell: ({ final }) => final.entropy.toFixed(3) },
      { heading: "Dropped", align: "right", cell: ({ final }) => percent(final.dropRate) },
      { heading: "Dead experts", cell: ({ final }) => listOf(final.deadExperts) },
    ],
  });
}

function legend(): Html {
  const levels = LOAD_LEVELS.map(
    ({ label, color }) => markup`<li><span style="background: var(--chart-${color})"></span>${label}</li>\n`,
  );
  return markup`<p class="note">Each cell: the load of an expert over the mean load of all</p>
<ul class="levels">
${levels}</ul>
`;
}

function drawing(load: LayerLoad, index: number): Html {
  const { layer, numExperts } = load;
  const picture = chart((size) => loadChart(load, size), {
    id: `load-${index}`,
    title: `Load of ${layer}`,
    description: describe(load),
    height: loadChartHeight(numExperts),
  });
  return markup`<h3>${layer}</h3>
${picture}`;
}

/** The chart in words, for readers who cannot see it. */
function describe({ layer, numExperts, steps, imbalance, entropy, final }: LayerLoad): string {
  const first = `${layer} sends tokens to ${numExperts} experts in steps ${steps[0]!} to ${steps.at(-1)!}.`;
  const curves = `The imbalance goes from ${imbalance[0]!.toFixed(2)} to ${imbalance.at(-1)!.toFixed(2)}, the entropy from ${entropy[0]!.toFixed(3)} to ${entropy.at(-1)!.toFixed(3)}.`;
  return `${first} ${curves} Dead experts in the last ${final.numSteps} steps: ${listOf(final.deadExperts)}.`;
}

function listOf(experts: readonly number[]): string {
  return experts.length === 0 ? "none" : experts.join(", ");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
