/**
 * Sharded tensors: ordinary TensorFlow.js programs on a mesh of ranks.
 *
 * @packageDocumentation
 */
export { createMesh } from "./create-mesh.ts";
export type { AxisName, DeviceMesh, MeshAxes } from "./mesh.ts";
export { subMesh, type RemainingAxes } from "./sub-mesh.ts";
export { formatPlacement, Partial, Replicate, Shard, type PartialOp, type Placement } from "./placement.ts";
export type { PlacementSpec } from "./placement-spec.ts";
export {
  fromLocal,
  full,
  placementsOf,
  redistribute,
  shard,
  toLocal,
  type LocalPart,
} from "./sharded-tensor.ts";
export { parameterShard } from "./parameter-shard.ts";

export { ReplicaMismatchError } from "./backend/replica-check.ts";
export { defineRule } from "./rules/define-rule.ts";
export type {
  AxisContext,
  AxisStrategy,
  InputSpec,
  KernelAttrs,
  KernelCall,
  LocalCall,
  LocalKernels,
  Rule,
  TensorSpec,
} from "./rules/rule.ts";
export { verifyDecision, verifyRule, type VerifyRuleOptions } from "./rules/verify-rule.ts";
export type { DenseValue } from "./rules/dense-value.ts";
export type { DenseCall } from "./rules/simulate-ranks.ts";
export type { Decision } from "./rules/plan.ts";

export { ColumnParallelLinear, type ParallelAxis } from "./layers/column-parallel-linear.ts";
export { RowParallelLinear } from "./layers/row-parallel-linear.ts";
export { ParallelSelfAttention } from "./layers/parallel-self-attention.ts";
export { ParallelGeluMLP, ParallelSwiGLUMLP } from "./layers/parallel-mlp.ts";
export { parallelGPT } from "./layers/parallel-gpt.ts";

export { describe, draw } from "./inspect/describe.ts";
export { localBytes, liveBytes } from "./inspect/memory.ts";
export { replicatedKernels, type FallbackReport } from "./inspect/fallbacks.ts";
export { countCommunication, formatCommunication, type Communication } from "./inspect/communication.ts";
export {
  collectValues,
  TwinMismatchError,
  verifyParallel,
  type Comparison,
  type NamedValues,
  type TwinProgram,
  type VerifyOptions,
} from "./inspect/verify-parallel.ts";
