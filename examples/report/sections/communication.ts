/**
 * The section with what the ranks sent.
 *
 * @packageDocumentation
 */
import { markup } from "../html.ts";
import { formatBytes, formatNumber } from "../quantity.ts";
import type { CommunicationRow, ReportData } from "../report-data.ts";
import type { Section } from "../section.ts";
import { table, type Column } from "../table.ts";

/** Calls and bytes per mesh axis and collective, measured and, where given, predicted. */
export const communicationSection: Section<ReportData> = ({ communication }) => {
  if (communication.length === 0) return undefined;
  const isPredicted = communication.some(({ predicted }) => predicted !== undefined);
  const rows = table(communication, {
    caption: "Per step and rank",
    columns: isPredicted ? [...measured, ...predicted] : measured,
    total: total(communication),
  });
  return { heading: "Communication", body: markup`${rows}` };
};

const measured: readonly Column<CommunicationRow>[] = [
  { heading: "Axis", cell: ({ axis }) => axis },
  {
    heading: "Collective",
    cell: ({ collective }) => (collective === "" ? undefined : markup`<code>${collective}</code>`),
  },
  { heading: "Calls", align: "right", cell: ({ callsPerStep }) => formatNumber(callsPerStep) },
  { heading: "Bytes sent", align: "right", cell: ({ bytesPerStep }) => formatBytes(bytesPerStep) },
];

const predicted: readonly Column<CommunicationRow>[] = [
  {
    heading: "Calls predicted",
    align: "right",
    cell: (row) => shown(row.predicted?.callsPerStep, formatNumber),
  },
  {
    heading: "Bytes predicted",
    align: "right",
    cell: (row) => shown(row.predicted?.bytesPerStep, formatBytes),
  },
  { heading: "Agrees", cell: agreement },
];

function shown(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? "–" : format(value);
}

function agreement({ callsPerStep, bytesPerStep, predicted: expected }: CommunicationRow): string {
  if (expected === undefined) return "–";
  return expected.callsPerStep === callsPerStep && expected.bytesPerStep === bytesPerStep ? "yes" : "no";
}

/** The sum of the rows; its prediction exists where every row has one. */
function total(rows: readonly CommunicationRow[]): CommunicationRow {
  const expected = rows.flatMap((row) => row.predicted ?? []);
  const all = { axis: "all", collective: "", ...sum(rows) };
  return expected.length === rows.length ? { ...all, predicted: sum(expected) } : all;
}

function sum(rows: readonly { readonly callsPerStep: number; readonly bytesPerStep: number }[]) {
  return {
    callsPerStep: rows.reduce((calls, row) => calls + row.callsPerStep, 0),
    bytesPerStep: rows.reduce((bytes, row) => bytes + row.bytesPerStep, 0),
  };
}
