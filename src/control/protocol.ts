/**
 * The control socket speaks lines of JSON. A request is `{ id, op, args }`; its answer `{ id, ok: true, value }` or
 * `{ id, ok: false, error }`; an operation that has items sends `{ id, item }` before its answer. One connection carries any
 * number of requests. Operations are rows of a table in `src/operations/`; clients know the types of the table only, since
 * loading its schemas takes longer than most commands.
 */
import type { PlainFault } from '../kernel/fault.ts';

export type { BackupView, ProofView, RestoreView } from '../operations/results/backup.ts';
export type { FileDiff, TestView } from '../operations/results/build.ts';
export type { HelpView } from '../operations/results/command.ts';
export type { ConfigView } from '../operations/results/config.ts';
export type { DrillView } from '../operations/results/drill.ts';
export type { IncidentView } from '../operations/results/incident.ts';
export type { HoldUpView, JobView, ManyView, UsedKeyView } from '../operations/results/job.ts';
export type { LogLine } from '../operations/results/log-line.ts';
export type { OriginView } from '../operations/results/origin.ts';
export type {
  RehearsalSide,
  RehearsalView,
  RehearsedEffect,
  RehearsedView,
} from '../operations/results/rehearsal.ts';
export type { SecretsView } from '../operations/results/secrets.ts';
export type { StateEntryView, StateSizeView } from '../operations/results/state.ts';
export type { AgentView, StatusView } from '../operations/results/status.ts';
export type { StoreView, UnreadableView } from '../operations/results/store.ts';
export type { ChangeView, VersionView } from '../operations/results/version.ts';
export type { WhyView } from '../operations/results/why.ts';
export type { Op, Ops } from '../operations/table.ts';

export type Request = { id: number; op: string; args: unknown };
export type Response =
  | { id: number; ok: true; value: unknown }
  | { id: number; ok: false; error: PlainFault }
  | { id: number; item: unknown };
