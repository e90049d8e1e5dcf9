export type { ExpertLoadRecord } from "./load/expert-load-record.ts";
export type { LayerHistory, StepLoad } from "./load/layer-history.ts";
export { deadExperts, loadEntropy, loadImbalance } from "./load/load-figures.ts";
export { LoadRecorder, type LoadRecorderOptions } from "./load/load-recorder.ts";
export {
  loadReport,
  type FinalLoad,
  type LayerLoad,
  type LoadReport,
  type LoadReportOptions,
} from "./load/load-report.ts";
export { loadWarnings, type LoadThresholds, type LoadWarning } from "./load/load-watch.ts";
