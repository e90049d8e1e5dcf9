/**
 * Writes a report to a folder.
 *
 * @packageDocumentation
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ContractError } from "@meshwright/core";
import { renderPage } from "./page.ts";
import type { ReportHead } from "./report-data.ts";
import type { Section } from "./section.ts";

/**
 * Writes `report.html` into `folder`, creating the folder if need be, and returns its path.
 *
 * @example
 * ```ts
 * writeReport("report", { data, sections: trainingSections });
 * writeReport("report", { data: { ...data, timeline }, sections: [...trainingSections, timelineSection] });
 * ```
 * @throws ContractError if the folder or the file cannot be written.
 */
export function writeReport<Data extends ReportHead>(
  folder: string,
  { data, sections }: { readonly data: Data; readonly sections: readonly Section<Data>[] },
): string {
  const file = join(folder, "report.html");
  const page = renderPage(data, sections);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, page);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ContractError(
      `writeReport: folder (${folder}) must be a folder that can be created and written to (${reason}); use another path.`,
      { cause },
    );
  }
  return file;
}
