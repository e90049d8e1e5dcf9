/**
 * The words of a rank's status line.
 *
 * @packageDocumentation
 */
/** Words of a status. */
export const STATE = 0;
export const CALLS = 1;
export const SEQUENCE = 2;
export const COLLECTIVE = 3;
export const GROUP = 4;
export const LABEL = 5;
/** The call (as counted by `CALLS`) that the published description belongs to. */
export const DESCRIBED = 6;
export const WAITS_FOR = 7;
export const WAIT_COUNTER = 8;
export const WAIT_VALUE = 9;
export const WAIT_SERIAL = 10;
/** 1 once the rank has ended its program. */
export const ENDED = 11;
export const FAILURE = 12;
/** Two words: a double. */
export const SINCE = 16;

/** Values of `STATE`. */
export const COMPUTING = 0;
export const CALLING = 1;
export const WAITING = 2;
export const FINISHED = 3;
