/**
 * A section of a report: a function from the report's data to a piece of the page.
 *
 * @packageDocumentation
 */
import type { Html } from "./html.ts";

/** What a section puts on the page. */
export interface SectionContent {
  readonly heading: string;
  readonly body: Html;
}

/**
 * Makes a section, or `undefined` where the data has nothing for it. A report with further data adds sections of its
 * own to the list: `[...trainingSections, timelineSection]`.
 */
export type Section<Data> = (data: Data) => SectionContent | undefined;
