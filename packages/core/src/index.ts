/**
 * Worlds of ranks, collectives, engines, and the building blocks of neural networks.
 *
 * @packageDocumentation
 */
export { ContractError, InternalError } from "./errors.ts";
export type {
  Call,
  Communicator,
  NumericArray,
  OpenOptions,
  ReduceOp,
  Transport,
} from "./transport/transport.ts";
export {
  CollectiveDeadlockError,
  CollectiveMismatchError,
  CollectiveTimeoutError,
  RankFinishedError,
  WorldAbortedError,
} from "./transport/failures.ts";
export { MpiError, MpiStartError } from "./transport/mpi/mpi-error.ts";
export { RankProcessError } from "./runtime/mpi/mpi-gang.ts";
export type { CollectiveOptions, ProcessGroup } from "./collectives/process-group.ts";
export { timeCollectives, type CollectiveSpan } from "./collectives/time-collectives.ts";
export type { CollectiveName, Ledger, LedgerEntry, LedgerTotal } from "./collectives/ledger.ts";
export type { Engine, EngineName, SkippedEngine } from "./engine/engine.ts";
export { OutOfMemoryError } from "./engine/out-of-memory.ts";
export { defineProgram, type Program, type ProgramContext, type World } from "./runtime/program.ts";
export { namedModules, namedParameters, setLossScale, setTraining, type Module } from "./nn/module.ts";
export { Parameter, type Initializer, type ParameterShard } from "./nn/parameter.ts";
export type { CommandLineOptions } from "./runtime/command-line-options.ts";
export { createWorld, WorldHandle } from "./runtime/world-handle.ts";
export { readTopology } from "./topology/read-topology.ts";
export type { PairFigure, RankTopology, Topology } from "./topology/topology.ts";
export { launch, type LaunchOptions } from "./runtime/launch.ts";
export { describeFailure } from "./runtime/describe-failure.ts";
export { launchHere } from "./runtime/launch-here.ts";
export type { WorldOptions } from "./runtime/world-options.ts";
export type {
  AnyProgram,
  OptionsOf,
  ResultOf,
  RunArguments,
  RunHooks,
  RunSettings,
  UpdateOf,
} from "./runtime/program-types.ts";
export { RankError, RankExitError } from "./runtime/rank-error.ts";
export { RankDeathError } from "./runtime/gang.ts";
export type { OutputLine } from "./runtime/rank-output.ts";
export type { EngineChoice, OutputStream, RankRecord } from "./runtime/messages.ts";
export { initialize, type InitializeOptions } from "./nn/initialize.ts";
export { parameterHash } from "./nn/parameter-hash.ts";
export { Linear, type CreateLinear, type LinearOptions } from "./nn/linear.ts";
export { Embedding, type CreateEmbedding, type EmbeddingOptions } from "./nn/embedding.ts";
export { LayerNorm, RMSNorm, type CreateNorm, type NormOptions } from "./nn/norm.ts";
export { Dropout, type CreateDropout, type DropoutOptions } from "./nn/dropout.ts";
export { CausalSelfAttention, causalAttention, type CausalSelfAttentionOptions } from "./nn/attention.ts";
export { GeluMLP, SwiGLUMLP, type CreateMLP, type MLPOptions } from "./nn/mlp.ts";
export { GPT, type GPTOptions } from "./nn/gpt.ts";
export { denseParts, type GPTParts } from "./nn/gpt-parts.ts";
export { countParameters } from "./nn/count-parameters.ts";
export { crossEntropy, type CrossEntropyOptions } from "./nn/cross-entropy.ts";
export { AdamW, type AdamWOptions, type AdamWState } from "./optim/adamw.ts";
export { SGD, type SGDOptions } from "./optim/sgd.ts";
export { clipGradNorm, globalNorm } from "./optim/clip-grad-norm.ts";
export {
  gradients,
  type GradientsOptions,
  type LossAndGradients,
  type NamedGradients,
} from "./optim/gradients.ts";
export { accumulateGradients, type AccumulateOptions } from "./optim/accumulate-gradients.ts";
export { GradientAccumulator } from "./optim/gradient-accumulator.ts";
export { noDecayForVectors, type ParameterGroup } from "./optim/parameter-group.ts";
export { warmupCosine, type LearningRate, type WarmupCosineOptions } from "./optim/warmup-cosine.ts";
export { vjp, type Vjp, type VjpOptions } from "./autograd/vjp.ts";
export {
  Pullback,
  type InputGradients,
  type PullbackOptions,
  type VjpGradients,
} from "./autograd/pullback.ts";
export { checkpoint } from "./autograd/checkpoint.ts";
export { nextCallIndex } from "./autograd/call-index.ts";
export type { CallCounter } from "./autograd/capture-tape.ts";
export { startEngine, type StartEngineOptions } from "./engine/start.ts";
export { philox4x32 } from "./random/philox.ts";
export { philoxKey } from "./random/key.ts";
export { metricsWriter, type MetricsRecord, type MetricsWriter } from "./trace/metrics-writer.ts";
export { createTrace, type SpanOptions, type Trace } from "./trace/trace.ts";
export { toChromeTrace } from "./trace/chrome-trace.ts";
export type { CounterEvent, SpanEvent, TraceArgs, TraceEvent } from "./trace/trace-event.ts";
export { GPTBlock, type GPTBlockOptions } from "./nn/gpt-block.ts";
export { fillNormal, fillUniform, type FillOptions } from "./random/fill.ts";
export type { PhiloxKey } from "./random/philox.ts";
export type { StreamId } from "./random/key.ts";
export type { Region } from "./random/region.ts";
export type { ParameterSettings } from "./optim/parameter-group.ts";
export { Llama, type LlamaOptions } from "./nn/llama.ts";
export { denseLlamaParts, type LlamaParts } from "./nn/llama-parts.ts";
export { LlamaBlock, type LlamaBlockOptions } from "./nn/llama-block.ts";
export {
  groupedCausalAttention,
  GroupedQueryAttention,
  type Attend,
  type GroupedQueryAttentionOptions,
} from "./nn/grouped-query-attention.ts";
export { RotaryEmbedding, rotaryFrequencies, type Llama3Scaling, type RotaryOptions } from "./nn/rotary.ts";
export { TiedHead, type CreateTiedHead } from "./nn/tied-head.ts";
export { randomState, restoreRandomState } from "./nn/random-state.ts";
export { CheckpointError } from "./checkpoint/checkpoint-error.ts";
export { elementBytes, storedDtype, type ComputeDtype, type SafetensorsDtype } from "./checkpoint/dtype.ts";
export { bytesOf, decodeElements, isLoadable } from "./checkpoint/element-values.ts";
export { nodeFiles, type CheckpointFiles, type ReadableFile, type WritableFile } from "./checkpoint/files.ts";
export { SafetensorsFile, type BytesRead } from "./checkpoint/read-safetensors.ts";
export { writeSafetensors, type TensorToWrite, type WrittenFile } from "./checkpoint/write-safetensors.ts";
export type { Header, HeaderEntry } from "./checkpoint/header.ts";
export { leaveToken, seesToken } from "./checkpoint/shared-folder.ts";
export { checkpointName, latestCheckpoint, listCheckpoints } from "./checkpoint/checkpoint-folder.ts";
export {
  configHash,
  type CheckpointFacts,
  type CheckpointIndex,
  type JsonValue,
  type OptimizerRecord,
  type PieceRecord,
  type RandomRecord,
  type TensorRecord,
} from "./checkpoint/checkpoint-index.ts";
export {
  abandonSave,
  beginSave,
  commitSave,
  writePart,
  type CommitOptions,
  type PartToWrite,
  type PieceToWrite,
  type SaveTarget,
} from "./checkpoint/commit.ts";
export { CheckpointReader, type WantedPiece } from "./checkpoint/checkpoint-reader.ts";
export { verifyCheckpoint, type VerifiedCheckpoint } from "./checkpoint/verify-checkpoint.ts";
export { startWriter, type BackgroundWriter } from "./checkpoint/start-writer.ts";
export { convertCheckpoint, type ConvertOptions } from "./checkpoint/convert.ts";
export { mergeCheckpoint, type MergeOptions } from "./checkpoint/merge.ts";
export type { ExportDtype } from "./checkpoint/tensor-source.ts";
export { readHuggingFaceConfig, type HuggingFaceConfig } from "./hugging-face/config.ts";
export { configFromGPTOptions, gptOptionsFromConfig } from "./hugging-face/gpt-config.ts";
export { configFromLlamaOptions, llamaOptionsFromConfig } from "./hugging-face/llama-config.ts";
export {
  loadHuggingFace,
  type LoadedHuggingFace,
  type LoadHuggingFaceOptions,
} from "./hugging-face/load-hugging-face.ts";
export { saveHuggingFace, type SaveHuggingFaceOptions } from "./hugging-face/save-hugging-face.ts";
export type { HuggingFaceKind } from "./hugging-face/check-model.ts";

/** @internal for kinds of models in the packages above */
export { LLAMA_NAMES } from "./hugging-face/llama-names.ts";
export { readLlamaOptions } from "./hugging-face/llama-config.ts";
export { Settings } from "./hugging-face/settings.ts";
export type { NameTable, TensorName } from "./hugging-face/tensor-names.ts";
export { groupedLinear } from "./kernels/grouped-linear.ts";
export { randomScale, type RandomScaleOptions } from "./kernels/random-scale.ts";
