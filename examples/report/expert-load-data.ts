/**
 * What the section on the load of experts shows.
 *
 * @packageDocumentation
 */
import type { LoadReport } from "@meshwright/moe";
import type { ReportHead } from "./report-data.ts";

/** A report on a mixture of experts. Without `expertLoad`, or without layers in it, the section is left out. */
export interface ExpertLoadData extends ReportHead {
  readonly expertLoad?: LoadReport;
}
