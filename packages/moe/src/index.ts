/**
 * Mixture-of-experts layers on sharded TensorFlow.js tensors.
 *
 * @packageDocumentation
 */
export { MoELayer } from "./moe-layer.ts";
export { finishMoEStep, moeLayers } from "./moe-layers.ts";
export type { BalanceOptions, LayerCapacity, MoELayerOptions, MoEParallel } from "./moe-layer-options.ts";
export type { AuxiliaryLosses, AuxiliaryLossName } from "./auxiliary-losses.ts";
export type { Experts } from "./experts.ts";
export { attachLoss } from "./attach-loss.ts";
export {
  evenRows,
  moeCommunication,
  type MoECommunication,
  type MoECommunicationOptions,
  type PredictedCall,
} from "./moe-communication.ts";

export { Router, setRouterStep, type RouterOptions } from "./router.ts";
export type { Choice, ChoiceOptions } from "./router-options.ts";
export type { GroupLimit } from "./group-limit.ts";
export { chooseExperts, type ChooseOptions, type Routing } from "./choose-experts.ts";
export { chooseTokens, type ExpertChoice, type Offer } from "./expert-choice.ts";

export {
  expertCounts,
  importanceLoss,
  sequenceSwitchLoss,
  switchLoss,
  zLoss,
  type LossOptions,
  type SwitchLossOptions,
} from "./balance-losses.ts";
export { BalanceBias, nextBalanceBias, type BalanceBiasOptions } from "./balance-bias.ts";

export { expertCapacity, expertsPerRank, type CapacityOptions } from "./capacity.ts";
export { dropRate, keepWithinCapacity, type DropPolicy, type KeepOptions } from "./token-drop.ts";
export { keptWeights } from "./kept-weights.ts";
export type { TokenChoices } from "./token-choices.ts";

export {
  orderByExpert,
  planPermutation,
  type Permutation,
  type PermutationOptions,
  type RowOrder,
} from "./permutation.ts";
export {
  padToCapacity,
  permuteTokens,
  reorderRows,
  restoreRows,
  unpadFromCapacity,
  unpermuteTokens,
} from "./permute.ts";
export {
  exchangeBytes,
  exchangeCounts,
  exchangeRows,
  type DispatchCounts,
  type RowCounts,
} from "./dispatch-all-to-all.ts";

export { groupedLinear } from "./grouped-linear.ts";
export { groupedGeluMLP, groupedSwiGLUMLP, type GeluExperts, type SwiGLUExperts } from "./grouped-mlp.ts";

export type { ExpertLoadRecord } from "./load/expert-load-record.ts";
export type { LayerHistory, StepLoad } from "./load/layer-history.ts";
export { deadExperts, loadEntropy, loadImbalance } from "./load/load-figures.ts";
export { LoadRecorder, type LoadRecorderOptions } from "./load/load-recorder.ts";
export {
  loadReport,
  type FinalLoad,
  type LayerLoad,
  type LoadReport,
  type LoadReportOptions,
} from "./load/load-report.ts";
export { loadWarnings, type LoadThresholds, type LoadWarning } from "./load/load-watch.ts";

export { moeGPT } from "./models/moe-gpt.ts";
export { moeLlama, type MoELlamaOptions } from "./models/moe-llama.ts";
export type { MoEModelOptions, MoEModelParallel, MoEOptions } from "./models/moe-model-options.ts";
export { expertBlocks, type ExpertBlocks } from "./models/expert-blocks.ts";
export { activeParameters, totalParameters } from "./models/active-parameters.ts";
export { flopsPerToken, type FlopsPerToken } from "./models/flops-per-token.ts";
export { MIXTRAL_8X7B } from "./models/presets/mixtral.ts";
export {
  DEEPSEEK_V3,
  DEEPSEEK_V3_ATTENTION,
  latentAttentionParameters,
  type LatentAttention,
} from "./models/presets/deepseek-v3.ts";
export { SWITCH_BASE } from "./models/presets/switch-base.ts";
export { MIXTRAL } from "./models/hugging-face/mixtral.ts";
export { configFromMixtralOptions, mixtralOptionsFromConfig } from "./models/hugging-face/mixtral-config.ts";
