/**
 * What every benchmark does with its samples: medians, ratios, and interleaved measurement.
 *
 * The machine's speed drifts by tens of percent within minutes, so things that are compared are sampled in turn, and
 * the ratio is the median of the ratios of neighbouring samples.
 *
 * @packageDocumentation
 */

/** The middle value; the mean of the two middle ones of an even number. NaN without values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Samples of one thing. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  /** Three quarters of the samples are at most this. */
  readonly upperQuartile: number;
  readonly samples: number;
}

/** Median, minimum and upper quartile. */
export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: median(values),
    min: sorted[0] ?? NaN,
    upperQuartile: sorted[Math.ceil(sorted.length * 0.75) - 1] ?? NaN,
    samples: values.length,
  };
}

/** Median of `numerators[i] / denominators[i]`; sample `i` of both was taken in the same round. */
export function medianRatio(numerators: readonly number[], denominators: readonly number[]): number {
  return median(numerators.map((numerator, round) => numerator / denominators[round]!));
}

/** Runs every measurement once per round, in order, and returns the samples of each. */
export function interleave<Name extends string>(
  measurements: Readonly<Record<Name, () => number>>,
  options: { readonly rounds: number; readonly warmUp: number },
): Record<Name, number[]> {
  const names = Object.keys(measurements) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = -options.warmUp; round < options.rounds; round++) {
    for (const name of names) {
      const sample = measurements[name]();
      if (round >= 0) samples[name].push(sample);
    }
  }
  return samples;
}
