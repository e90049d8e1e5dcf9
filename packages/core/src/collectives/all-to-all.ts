/**
 * All-to-all.
 *
 * @packageDocumentation
 */
import { ContractError } from "../errors.ts";
import type { NumericArray } from "../transport/transport.ts";
import { checkApart, checkArray, checkCounts, equalCounts, receiverOf, sumOf } from "./argument-checks.ts";
import type { GroupContext } from "./group-context.ts";
import type { CollectiveOptions } from "./process-group.ts";

/** Options of `allToAll`. */
export interface AllToAllOptions<T> extends CollectiveOptions {
  readonly sendCounts?: readonly number[];
  readonly receiveCounts?: readonly number[];
  readonly into?: T;
}

/**
 * Sends piece `r` of `send` to rank `r`. Bytes sent per rank: everything but the piece that it keeps, which is
 * S(n-1)/n^2 where the pieces are equal and S counts all ranks' arrays. The ledger's total is this rank's `send`.
 *
 * `sendCounts[b]` on rank `a` must equal `receiveCounts[a]` on rank `b`; a pair that disagrees is an error on both.
 */
export function allToAll<T extends NumericArray>(
  group: GroupContext,
  send: T,
  options: AllToAllOptions<T> = {},
): T {
  const where = group.where("allToAll");
  const { size, rank } = group;
  checkArray(where, "send", send);
  const { sendCounts, receiveCounts } = countsOf(where, send, options, group);
  const into = receiverOf(where, send, sumOf(receiveCounts), options.into);
  checkApart(where, send, into);
  if (size === 1) {
    into.set(send);
    return into;
  }
  group.begin(
    {
      ...{ collective: "allToAll", label: options.label ?? "", array: send, length: 0 },
      ...(options.sendCounts
        ? { details: `sends [${sendCounts.join(", ")}], receives [${receiveCounts.join(", ")}]` }
        : {}),
    },
    { sent: send.byteLength - sendCounts[rank]! * send.BYTES_PER_ELEMENT, total: send.byteLength },
  );
  group.communicator.allToAll(send, sendCounts, into, receiveCounts);
  return into;
}

function countsOf<T extends NumericArray>(
  where: string,
  send: T,
  options: AllToAllOptions<T>,
  { size, rank }: GroupContext,
): { readonly sendCounts: readonly number[]; readonly receiveCounts: readonly number[] } {
  const { sendCounts, receiveCounts } = options;
  if (sendCounts === undefined && receiveCounts === undefined) {
    const equal = equalCounts(where, send.length, { size, array: "send", name: "sendCounts" });
    return { sendCounts: equal, receiveCounts: equal };
  }
  if (sendCounts === undefined || receiveCounts === undefined) {
    const [given, missing] = sendCounts ? ["sendCounts", "receiveCounts"] : ["receiveCounts", "sendCounts"];
    throw new ContractError(
      `${where}: ${missing} (missing) must be given together with ${given}; use an allToAll of the counts to exchange them.`,
    );
  }
  checkCounts(where, { name: "sendCounts", values: sendCounts }, { size, total: send.length, array: "send" });
  checkCounts(
    where,
    { name: "receiveCounts", values: receiveCounts },
    { size, total: sumOf(receiveCounts), array: "into" },
  );
  if (sendCounts[rank] !== receiveCounts[rank]) {
    throw new ContractError(
      `${where}: sendCounts[${rank}] (${sendCounts[rank]!}) must equal receiveCounts[${rank}] (${receiveCounts[rank]!}), the piece that this rank keeps; use the same number.`,
    );
  }
  return { sendCounts, receiveCounts };
}
