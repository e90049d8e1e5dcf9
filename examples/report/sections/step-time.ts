/**
 * The section with where the time of a step goes.
 *
 * @packageDocumentation
 */
import { markup } from "../html.ts";
import { formatMs } from "../quantity.ts";
import type { ReportData, StepPart } from "../report-data.ts";
import type { Section } from "../section.ts";

/** One bar per part, as long as its share of the step. What the parts leave over of the median step is "rest". */
export const stepTimeSection: Section<ReportData> = ({ stepMs, stepBreakdown = [] }) => {
  if (stepBreakdown.length === 0) return undefined;
  const measured = stepBreakdown.reduce((sum, { ms }) => sum + ms, 0);
  const restMs = stepMs - measured;
  const parts = restMs > 0 ? [...stepBreakdown, { name: "rest", ms: restMs }] : stepBreakdown;
  const wholeMs = Math.max(stepMs, measured);
  const bars = parts.map((part) => bar(part, wholeMs));
  return { heading: "Step time", body: markup`<dl class="bars">${bars}</dl>` };
};

function bar({ name, ms }: StepPart, wholeMs: number) {
  const percent = ((100 * ms) / wholeMs).toFixed(1);
  const label = `${formatMs(ms)} (${percent}%)`;
  return markup`<div><dt>${name}</dt><dd><span class="bar" style="width: ${percent}%"></span><span class="value">${label}</span></dd></div>
`;
}
