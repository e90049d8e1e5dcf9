/**
 * The section with a text that the model wrote.
 *
 * @packageDocumentation
 */
import { markup } from "../html.ts";
import type { ReportData } from "../report-data.ts";
import type { Section } from "../section.ts";

/** The prompt, marked, and its continuation. */
export const sampleSection: Section<ReportData> = ({ sample }) => {
  if (sample === undefined) return undefined;
  return {
    heading: "Sample",
    body: markup`<p class="note">The prompt is marked; the model wrote the rest.</p>
<blockquote class="sample"><mark>${sample.prompt}</mark>${sample.continuation}</blockquote>`,
  };
};
