/**
 * The sections of a training report, in their order.
 *
 * @packageDocumentation
 */
import type { ReportData } from "./report-data.ts";
import type { Section } from "./section.ts";
import { communicationSection } from "./sections/communication.ts";
import { lossSection } from "./sections/loss.ts";
import { memorySection } from "./sections/memory.ts";
import { sampleSection } from "./sections/sample.ts";
import { configSection, environmentSection } from "./sections/settings.ts";
import { stepTimeSection } from "./sections/step-time.ts";
import { summarySection } from "./sections/summary.ts";

/** Result, loss, sample, communication, memory, step time, configuration, environment. */
export const trainingSections: readonly Section<ReportData>[] = [
  summarySection,
  lossSection,
  sampleSection,
  communicationSection,
  memorySection,
  stepTimeSection,
  configSection,
  environmentSection,
];
