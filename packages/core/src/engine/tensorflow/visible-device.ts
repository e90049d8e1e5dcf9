/**
 * Which GPU a rank computes on.
 *
 * @packageDocumentation
 */

/** A rank that is a process, among those of its machine. */
export interface RankOnHost {
  /** Position among the ranks of this machine, from 0. */
  readonly localRank: number;
  /** GPUs of this machine; 0 where that is not known. */
  readonly numDevices: number;
}

/**
 * The value of `CUDA_VISIBLE_DEVICES` for one rank: the device at position `localRank mod n` of the `n` visible ones.
 * tfjs-node computes on the first device that it sees, so a rank must see its own alone.
 *
 * @param visible - What `CUDA_VISIBLE_DEVICES` says now: numbers or UUIDs, separated by commas. Undefined: all devices
 * are visible. As CUDA does, the list ends before the first entry that is no device (a negative number), so `-1` and the
 * empty list hide all devices.
 * @returns Undefined where there is nothing to choose: no device is known, or all are hidden.
 */
export function visibleDevice(
  { localRank, numDevices }: RankOnHost,
  visible: string | undefined,
): string | undefined {
  const devices =
    visible === undefined ? Array.from({ length: numDevices }, (_, i) => String(i)) : entries(visible);
  return devices.length === 0 ? undefined : devices[localRank % devices.length];
}

function entries(visible: string): string[] {
  const all = visible.split(",").map((entry) => entry.trim());
  const end = all.findIndex((entry) => entry === "" || entry.startsWith("-"));
  return end === -1 ? all : all.slice(0, end);
}
