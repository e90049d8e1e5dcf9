/**
 * The section with the live bytes of each rank.
 *
 * @packageDocumentation
 */
import { formatBytes } from "../quantity.ts";
import type { MemoryRow, ReportData } from "../report-data.ts";
import type { Section } from "../section.ts";
import { table, type Column } from "../table.ts";

const PARTS = ["parameters", "optimizer", "gradients", "activations", "other"] as const;

/** One line per rank, one column per part that some rank has, and the sum. */
export const memorySection: Section<ReportData> = ({ memory }) => {
  if (memory.length === 0) return undefined;
  const parts = PARTS.filter((part) => memory.some((row) => row[part] !== undefined));
  const columns: readonly Column<MemoryRow>[] = [
    { heading: "Rank", align: "right", cell: ({ rank }) => rank },
    ...parts.map((part): Column<MemoryRow> => ({
      heading: `${part.charAt(0).toUpperCase()}${part.slice(1)}`,
      align: "right",
      cell: (row) => formatBytes(row[part] ?? 0),
    })),
    { heading: "Sum", align: "right", cell: (row) => formatBytes(sumOf(row)) },
  ];
  return { heading: "Memory", body: table(memory, { caption: "Live bytes on each rank", columns }) };
};

function sumOf(row: MemoryRow): number {
  return PARTS.reduce((sum, part) => sum + (row[part] ?? 0), 0);
}
