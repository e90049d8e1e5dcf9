/**
 * Why one engine cannot be had on this machine.
 *
 * @packageDocumentation
 */

/** An engine could not be started; the next one is tried. The message is the reason alone. */
export class EngineUnavailableError extends Error {
  override readonly name: string = "EngineUnavailableError";
}
