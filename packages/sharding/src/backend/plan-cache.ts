/**
 * Finds the plan of a kernel call by its attributes and by the layouts of its inputs, without building a key.
 *
 * @packageDocumentation
 */
import type { KernelPlan } from "./kernel-plan.ts";

/** Stands for an optional input that a call leaves out; no layout has this id. */
const ABSENT = -1;

/**
 * A node of a prefix tree: from the root of a kernel by the attributes' key, then by the layout of each input.
 *
 * ```
 *   BatchMatMul --"false,false"--> --layout 3--> --layout 7--> plan
 * ```
 */
export class PlanNode {
  plan: KernelPlan | undefined;
  readonly #next = new Map<number | string, PlanNode>();

  /** The node after one more piece of the key; made if it is new. */
  after(piece: number | string): PlanNode {
    let node = this.#next.get(piece);
    if (node === undefined) {
      node = new PlanNode();
      this.#next.set(piece, node);
    }
    return node;
  }

  /** The node after an optional input that is not there. */
  afterAbsent(): PlanNode {
    return this.after(ABSENT);
  }
}
