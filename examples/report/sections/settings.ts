/**
 * The sections with the settings of the run and where it ran.
 *
 * @packageDocumentation
 */
import { pairs } from "../table.ts";
import { formatNumber } from "../quantity.ts";
import type { ReportData } from "../report-data.ts";
import type { Section } from "../section.ts";

/** The settings of the run. */
export const configSection: Section<ReportData> = ({ config }) => {
  const entries = Object.entries(config).map(([name, value]): [string, string] => [
    name,
    typeof value === "number" ? formatNumber(value) : String(value),
  ]);
  return entries.length === 0
    ? undefined
    : { heading: "Configuration", body: pairs(Object.fromEntries(entries)) };
};

/** Versions, engine, machine, date. */
export const environmentSection: Section<ReportData> = ({ environment }) =>
  Object.keys(environment).length === 0 ? undefined : { heading: "Environment", body: pairs(environment) };
