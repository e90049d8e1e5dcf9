/**
 * A binary heap. Entries of equal priority leave in the order in which they came, so that searches are deterministic.
 *
 * @packageDocumentation
 */

interface Entry<Item> {
  readonly item: Item;
  readonly priority: number;
  readonly order: number;
}

/** Items by priority, smallest first. */
export class PriorityQueue<Item> {
  readonly #heap: Entry<Item>[] = [];
  #numPushed = 0;

  push(item: Item, priority: number): void {
    const entry = { item, priority, order: this.#numPushed++ };
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  /** Takes out the first item. */
  pop(): { readonly item: Item; readonly priority: number } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore<Item>(a: Entry<Item>, b: Entry<Item>): boolean {
  return a.priority < b.priority || (a.priority === b.priority && a.order < b.order);
}
