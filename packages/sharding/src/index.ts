/**
 * Sharded tensors: ordinary TensorFlow.js programs on a mesh of ranks.
 *
 * @packageDocumentation
 */
export { createMesh } from "./create-mesh.ts";
export { layOutMesh, type MeshLayout } from "./lay-out-mesh.ts";
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
export { parameterShard, type MeshShard } from "./parameter-shard.ts";

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
export { parallelLlama } from "./layers/parallel-llama.ts";
export { parallelParts, type ParallelModelOptions, type ParallelParts } from "./layers/parallel-parts.ts";
export { SequenceParallelNorm } from "./layers/sequence-parallel-norm.ts";
export { VocabParallelEmbedding } from "./layers/vocab-parallel-embedding.ts";

export { describe, draw } from "./inspect/describe.ts";
export { drawSvg, type DrawSvgOptions } from "./inspect/draw-svg.ts";
export type { DrawableLayout } from "./inspect/blocks.ts";
export { drawModelSvg, type DrawModelOptions } from "./inspect/draw-model-svg.ts";
export {
  explainKernel,
  formatKernel,
  type AxisExplanation,
  type ExplainedInput,
  type KernelCandidate,
  type KernelExplanation,
  type KernelQuestion,
} from "./inspect/explain-kernel.ts";
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

export { parallelize, type ParallelizeOptions } from "./parallelize/parallelize.ts";
export type { ModulePlan, ParallelPlan, PlanEntry } from "./parallelize/plan.ts";
export type { PlacedParameter } from "./parallelize/resolve-plan.ts";
export type { ParallelSummary } from "./parallelize/summary.ts";
export { gptPlan, type GPTPlanOptions } from "./parallelize/gpt-plan.ts";
export { dataParallelPlan } from "./parallelize/data-parallel-plan.ts";
export { dataParallelOptimizer } from "./parallelize/data-parallel-optimizer.ts";
export { llamaPlan, type LlamaPlanOptions } from "./parallelize/llama-plan.ts";
export { parallelizeLayers, type ParallelizeLayersOptions } from "./parallelize/parallelize-layers.ts";
export { packBuckets } from "./data-parallel/bucket.ts";
export { reduceGradients, type ReduceGradientsOptions } from "./data-parallel/reduce-gradients.ts";
export {
  DataParallel,
  type DataParallelOptions,
  type MicroBatchOptions,
  type Optimizer,
  type ZeROStage,
} from "./data-parallel/data-parallel.ts";
export {
  saveCheckpoint,
  type SavedCheckpoint,
  type SaveOptions,
  type SaveState,
} from "./checkpoint/save-checkpoint.ts";
export { PendingCheckpoint } from "./checkpoint/pending-checkpoint.ts";
export { loadCheckpoint, type LoadedCheckpoint, type LoadOptions } from "./checkpoint/load-checkpoint.ts";
export type { TrainingState } from "./checkpoint/training-state.ts";
export type { MomentOptimizer, SavedOptimizer, VelocityOptimizer } from "./checkpoint/optimizer-state.ts";
export {
  explainRedistribute,
  formatRedistribute,
  type RedistributeExplanation,
  type RedistributeQuestion,
  type RedistributeStep,
} from "./redistribute/explain.ts";
export { measureMeshCosts, type MeasureOptions } from "./redistribute/measure-costs.ts";
export { DEFAULT_AXIS_COST, type AxisCost, type MeshCosts } from "./mesh-costs.ts";
export { CROSSING_AXIS_COST } from "./topology-costs.ts";
export {
  clipGradNormOverMeshes,
  globalNormOverMeshes,
  type ClippedOverMeshes,
  type MeshNormOptions,
} from "./data-parallel/grad-norm.ts";
export {
  FLOAT32_ADAM,
  memoryTable,
  MIXED_PRECISION_ADAM,
  MIXED_PRECISION_ADAM_FLOAT32_GRADIENTS,
  type BytesPerParameter,
  type MemoryRow,
  type MemoryTableOptions,
} from "./data-parallel/memory-table.ts";
export type { MeshGeometry } from "./mesh.ts";

export { localMap, type LocalMapOptions } from "./local-map/local-map.ts";
export {
  localAllGather,
  localAllReduce,
  localAllToAll,
  localReduceScatter,
  localShift,
} from "./local-map/collectives.ts";
export { localExchangeRows, type RowExchange } from "./local-map/exchange-rows.ts";

export {
  contextParallelAttention,
  ringAttention,
  type ContextParallelOptions,
} from "./context-parallel/ring-attention.ts";
export {
  contextParallelBatch,
  type ContextParallelBatch,
} from "./context-parallel/context-parallel-batch.ts";
export { contextParallelOrder, type ContextOrder } from "./context-parallel/chunk-order.ts";
export { replicatedList, type ReplicatedKernels } from "./rules/replicated.ts";

/** @internal for the drawings of the packages above */
export {
  coordinate as svgCoordinate,
  element as svgElement,
  escapeXml,
  textWidth as svgTextWidth,
} from "./inspect/svg-element.ts";
