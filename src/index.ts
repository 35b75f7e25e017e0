/// <reference path="./plugin/files.d.ts" preserve="true" />
/** The public API: the exports of `import { … } from 'daruma'` for authors of plugins. */
export { z } from 'zod';
export type {
  AgentState,
  Context,
  Delivery,
  ExecOptions,
  ExecResult,
  FetchOptions,
  JobFacts,
  Json,
  KillSignal,
  MetricLabels,
  OnceOptions,
  PluginLog,
  ProcessName,
  SendOptions,
  SentJob,
} from './plugin/context.ts';
export {
  definePlugin,
  type Limits,
  type LlmLimits,
  type Needs,
  type PluginDefinition,
  type Webhook,
  type WebhookSecret,
} from './plugin/define.ts';
export type {
  BackupProof,
  DiagnosisAnswer,
  DiagnosisQuestion,
  DiagnosisResult,
  EvidencePiece,
  Fleet,
  FleetAgent,
  FleetHealth,
  FleetParts,
  FleetReport,
  StoreCopy,
} from './plugin/fleet.ts';
export type { HostEvent, HostEventData, HostTopic } from './plugin/host-events.ts';
export type {
  Llm,
  LlmAnswer,
  LlmAskedTool,
  LlmMessage,
  LlmOptions,
  LlmPart,
  LlmTool,
  LlmToolCall,
} from './plugin/llm.ts';
export type { Duration, Size } from './plugin/units.ts';
export { EffectUnknown, GiveUp, RetryLater } from './plugin/verdicts.ts';
