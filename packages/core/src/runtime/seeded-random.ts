/**
 * A seeded `Math.random` for ranks.
 *
 * tfjs takes the seeds of `randomNormal`, `dropout`, initializers and `multinomial` from `Math.random` where the caller
 * gives none. On replicas these draws must agree, so every rank of a world gets the same generator.
 *
 * @packageDocumentation
 */

/** The generator's four words. */
export type SeededRandomState = readonly [number, number, number, number];

/** A generator whose state can be saved, so that a resumed run draws on. */
export interface SeededRandom {
  (): number;
  readonly state: () => SeededRandomState;
  readonly restore: (state: SeededRandomState) => void;
}

/** Whether `random` (for example `Math.random`) is such a generator. */
export function isSeededRandom(random: () => number): random is SeededRandom {
  return "state" in random && "restore" in random;
}

/**
 * The generator `sfc32`: 32-bit integer arithmetic only, the same numbers on every machine.
 *
 * @see Doty-Humphrey, "PractRand", http://pracrand.sourceforge.net/RNG_engines.txt
 */
export function createSeededRandom(seed: number): SeededRandom {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = seed >>> 0;
  let counter = 1;
  const next = (): number => {
    const mixed = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + mixed) | 0;
    return (mixed >>> 0) / 2 ** 32;
  };
  // Sfc32's author asks for 12 rounds until neighbouring seeds have diverged.
  for (let round = 0; round < 12; round += 1) next();
  return Object.assign(next, {
    state: (): SeededRandomState => [a, b, c, counter],
    restore: (state: SeededRandomState): void => {
      [a, b, c, counter] = state;
    },
  });
}
