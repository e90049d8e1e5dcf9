/**
 * One rank's failure becomes the failure of all, so that ranks neither hang nor go on alone.
 *
 * @packageDocumentation
 */
import { CheckpointError, type ProcessGroup } from "@meshwright/core";

/**
 * Runs `body` on every rank. If it threw on some, all ranks throw: those on which it did, their own error; the others a
 * `CheckpointError` with the text of the lowest that failed. A collective: an all-reduce of 4 bytes.
 */
export async function agree<R>(group: ProcessGroup, label: string, body: () => R | Promise<R>): Promise<R> {
  let outcome: { readonly result: R } | { readonly error: unknown };
  try {
    outcome = { result: await body() };
  } catch (error) {
    outcome = { error };
  }
  const own = "error" in outcome ? group.rank : group.size;
  const [first] = group.allReduce(Int32Array.of(own), { op: "min", label });
  if (first! < group.size) {
    const text = broadcastText(group, {
      root: first!,
      label,
      error: "error" in outcome ? outcome.error : undefined,
    });
    if ("error" in outcome) throw outcome.error;
    throw new CheckpointError(`${text} (on rank ${group.ranks[first!]!})`);
  }
  return (outcome as { readonly result: R }).result;
}

function broadcastText(
  group: ProcessGroup,
  { root, label, error }: { readonly root: number; readonly label: string; readonly error: unknown },
): string {
  const bytes = Buffer.from(error instanceof Error ? error.message : String(error), "utf8");
  const [length] = group.broadcast(Int32Array.of(bytes.length), { root, label });
  const text = group.rank === root ? new Uint8Array(bytes) : new Uint8Array(length!);
  return Buffer.from(group.broadcast(text, { root, label })).toString("utf8");
}
