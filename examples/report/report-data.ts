/**
 * What a training report shows: plain data, as a run collects it.
 *
 * @packageDocumentation
 */

/** What every report has, whatever its sections. */
export interface ReportHead {
  /** Heading of the page, for example `"GPT on Moby-Dick"`. */
  readonly title: string;
  /** The command that made the report, so that the reader can repeat it. */
  readonly command: string;
}

/** Everything the default sections show. A list that is empty, or an optional value left out, hides its section. */
export interface ReportData extends ReportHead {
  /** Settings of the run, in the order in which they are shown. */
  readonly config: Readonly<Record<string, string | number | boolean>>;
  /** Training loss of step 1, 2, ... in nats per token. */
  readonly losses: readonly number[];
  readonly validation: readonly ValidationPoint[];
  /** Cross-entropy of the validation text under unigram frequencies, in nats per token. */
  readonly unigramEntropy?: number;
  readonly communication: readonly CommunicationRow[];
  readonly memory: readonly MemoryRow[];
  /** Text that the trained model wrote. */
  readonly sample?: Sample;
  readonly tokensPerSecond: number;
  /** Median time of a step, in milliseconds. */
  readonly stepMs: number;
  /** Where the time of a step goes. */
  readonly stepBreakdown?: readonly StepPart[];
  /** Versions, engine, machine, date, in the order in which they are shown. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A validation loss, in nats per token, after a step. */
export interface ValidationPoint {
  readonly step: number;
  readonly loss: number;
}

/** What one rank sends per step over one mesh axis with one collective. */
export interface CommunicationRow {
  /** Mesh axis, or `"world"`. */
  readonly axis: string;
  readonly collective: string;
  readonly callsPerStep: number;
  /** Bytes sent per rank. */
  readonly bytesPerStep: number;
  /** What the cost model says; shown beside the measured figures. */
  readonly predicted?: { readonly callsPerStep: number; readonly bytesPerStep: number };
}

/** Live bytes on one rank. Parts left out are not shown. */
export interface MemoryRow {
  readonly rank: number;
  readonly parameters: number;
  readonly optimizer: number;
  readonly gradients?: number;
  readonly activations?: number;
  readonly other?: number;
}

/** A part of a step: forward, backward, communication, update, ... */
export interface StepPart {
  readonly name: string;
  readonly ms: number;
}

/** A text that the model continued. */
export interface Sample {
  readonly prompt: string;
  /** What the model added to the prompt. */
  readonly continuation: string;
}
