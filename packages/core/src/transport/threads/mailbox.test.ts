import { expect, test } from "vitest";
import { createLedger } from "../../collectives/create-ledger.ts";
import { createProcessGroup } from "../../collectives/create-process-group.ts";
import type { ProcessGroup } from "../../collectives/process-group.ts";
import { createThreadsArena, type ThreadsArena } from "./arena.ts";
import { attachThreads } from "./attach.ts";

/** Both ranks in one thread: possible as long as no call blocks. */
function groupOf(arena: ThreadsArena, rank: number): ProcessGroup {
  return createProcessGroup(attachThreads(arena, rank), [0, 1], { name: "pp", ledger: createLedger() });
}

test("a mailbox works beyond 4 GiB, where its byte counters wrap around", () => {
  const arena = createThreadsArena({ ranks: 2, mailboxBytes: 4_194_304 });
  const [sender, receiver] = [groupOf(arena, 0), groupOf(arena, 1)];
  const message = new Int32Array(786_429);
  const received = new Int32Array(message.length);
  // 1,400 messages of 3 MiB.
  for (let index = 0; index < 1_400; index++) {
    message[0] = index;
    message[message.length - 1] = -index;
    sender.send(message, 1);
    receiver.receive(received, 0);
    if (received[0] !== index || received[message.length - 1] !== -index) expect.fail(`message ${index}`);
  }
  expect(1_400 * message.byteLength).toBeGreaterThan(2 ** 32);
});

test("messages of one tag that lie in the mailbox together are received in the order sent", () => {
  const arena = createThreadsArena({ ranks: 2 });
  const [sender, receiver] = [groupOf(arena, 0), groupOf(arena, 1)];
  for (const value of [3, 4, 5]) sender.send(Int32Array.of(value), 1);
  sender.send(Int32Array.of(6), 1, { tag: 1 });
  const next = (tag: number): number => receiver.receive(new Int32Array(1), 0, { tag })[0]!;
  expect([next(0), next(1), next(0), next(0)]).toEqual([3, 6, 4, 5]);
});
