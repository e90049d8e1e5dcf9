/**
 * A seeded `Math.random` for ranks.
 *
 * tfjs takes the seeds of `randomNormal`, `dropout`, initializers and `multinomial` from `Math.random` where the caller
 * gives none. On replicas these draws must agree, so every rank of a world gets the same generator.
 *
 * @packageDocumentation
 */

/**
 * The generator `sfc32`: 32-bit integer arithmetic only, the same numbers on every machine.
 *
 * @see Doty-Humphrey, "PractRand", http://pracrand.sourceforge.net/RNG_engines.txt
 */
export function createSeededRandom(seed: number): () => number {
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
  return next;
}
