/**
 * The control socket speaks lines of JSON. A request is `{ id, op, args, token, via }`, with the text of the file `<socket>.token`
 * and the name of the client's kind, for the audit (default: `socket`);
 * its answer `{ id, ok: true, value }` or `{ id, ok: false, error }`; an operation that has items sends `{ id, item }` before
 * its answer. A connection carries any number of requests. Operations are rows of a table in `src/operations/`; clients know
 * the types of the table only, since loading its schemas takes longer than most commands.
 */
import type { PlainFault } from '../kernel/fault.ts';

export type { IncidentView, SecretsView, StateEntryView, StateSizeView } from '../operations/results/agent.ts';
export type { BatchItemView, BatchView } from '../operations/results/batch.ts';
export type {
  BackupView,
  DrillView,
  FileDiff,
  HelpView,
  PluginAsks,
  ProofView,
  RestoreView,
  StoreView,
  TestView,
  UnreadableView,
  VerifiedView,
} from '../operations/results/command.ts';
export type { DoctorCheck, DoctorView } from '../operations/results/doctor.ts';
export type { HealthView } from '../operations/results/health.ts';
export type { EventView, LogLine } from '../operations/results/host.ts';
export type { HoldUpView, JobView, ManyView, UsedKeyView, WhyView } from '../operations/results/job.ts';
export type { ModelsView, RungView } from '../operations/results/models.ts';
export type { ReportView } from '../operations/results/report.ts';
export type {
  AgentView,
  CommandFenceView,
  ConfigView,
  FenceView,
  OriginView,
  PressureView,
  StatusView,
} from '../operations/results/status.ts';
export type { TrendsView, WarningView } from '../operations/results/trends.ts';
export type {
  ChangeView,
  DryRunView,
  LearnedView,
  RehearsalSide,
  RehearsalView,
  RehearsedEffect,
  RehearsedView,
  VersionView,
} from '../operations/results/version.ts';
export type { AuditView } from '../operations/results/web.ts';
export type { Op, Ops } from '../operations/table.ts';

export type Response =
  | { id: number; ok: true; value: unknown }
  | { id: number; ok: false; error: PlainFault }
  | { id: number; item: unknown };
