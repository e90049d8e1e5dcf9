/**
 * Metrics of a run as JSON lines: one object per line, complete up to the last `write` even if the process is killed.
 *
 * @packageDocumentation
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { ContractError } from "../errors.ts";

/** One line: flat or nested plain data. */
export type MetricsRecord = Readonly<Record<string, unknown>>;

/** Writes one JSON object per line. */
export interface MetricsWriter {
  readonly file: string;
  /**
   * Appends one line and hands it to the operating system before it returns. JSON has no `NaN` or infinities: they are
   * written as the strings `"NaN"`, `"Infinity"` and `"-Infinity"`, so that a diverged loss does not turn into `null`.
   */
  write(record: MetricsRecord): void;
  /** Closes the file. Calls after the first do nothing. */
  close(): void;
}

/**
 * Opens `file` for metrics, replacing what was there (`append: true` continues it, for a resumed run).
 *
 * @example
 * ```ts
 * const metrics = metricsWriter("report/metrics.jsonl");
 * metrics.write({ step: 1, loss: 4.41 }); // {"step":1,"loss":4.41}
 * metrics.close();
 * ```
 * @throws ContractError if the file cannot be opened (a missing folder, a folder instead of a file), and from `write`
 * after `close`.
 */
export function metricsWriter(file: string, options: { readonly append?: boolean } = {}): MetricsWriter {
  let descriptor: number | undefined = open(file, options.append === true ? "a" : "w");
  return {
    file,
    write(record) {
      if (descriptor === undefined) {
        throw new ContractError(
          `metricsWriter.write: file (${file}) must be open, but was closed; use a new metricsWriter(file, { append: true }).`,
        );
      }
      writeAll(descriptor, `${JSON.stringify(record, spellNonFinite)}\n`);
    },
    close() {
      if (descriptor === undefined) return;
      closeSync(descriptor);
      descriptor = undefined;
    },
  };
}

function open(file: string, flags: "a" | "w"): number {
  try {
    return openSync(file, flags);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ContractError(
      `metricsWriter: file (${file}) must be a writable file in an existing folder (${reason}); use mkdirSync(folder, { recursive: true }) first, or another path.`,
      { cause },
    );
  }
}

/** A write to a pipe or a full disk may take only a part. */
function writeAll(descriptor: number, line: string): void {
  const bytes = Buffer.from(line);
  let written = 0;
  while (written < bytes.length) written += writeSync(descriptor, bytes, written);
}

function spellNonFinite(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}
