/** Folders of `src/` whose files decide: no clock, no chance, no I/O. */
const FOLDERS = ['kernel/', 'healing/', 'operations/', 'gateway/models/chain/'];

/** Files of those folders that act. `kernel/time.ts` is the door by which time comes in. */
const ACTING = new Set([
  'kernel/time.ts',
  'kernel/descriptors.ts',
  'kernel/restrictions.ts',
  'kernel/proc.ts',
  'kernel/real-path.ts',
  'healing/healer.ts',
  'healing/open-incidents.ts',
  'healing/quarantines.ts',
  'healing/remedies.ts',
  'healing/signals.ts',
  'healing/leaks.ts',
  'healing/late-watch.ts',
  'healing/pressure-watch.ts',
  'healing/origin-watch.ts',
  'healing/unscheduled-watch.ts',
]);

/** Decisions of the other rooms. Files called `ports.ts` hold interfaces and count as decisions, too. */
const FILES = new Set([
  'catalog/files/issues.ts',
  'catalog/files/names.ts',
  'catalog/gone-agents.ts',
  'catalog/resolve/agent.ts',
  'catalog/resolve/limits.ts',
  'catalog/resolve/needs.ts',
  'catalog/resolve/net.ts',
  'catalog/resolve/set.ts',
  'catalog/resolve/values.ts',
  'catalog/rollout/probation.ts',
  'catalog/rollout/rollout.ts',
  'catalog/unrecognized-files.ts',
  'catalog/watching/scan.ts',
  'catalog/builder/emits.ts',
  'control/typed.ts',
  'gateway/origins/breaker.ts',
  'gateway/origins/terms.ts',
  'gateway/models/spend.ts',
  'gateway/models/spend-accounts.ts',
  'gateway/models/spend-faults.ts',
  'gateway/models/spend-rules.ts',
  'guardian/restart.ts',
  'catalog/resolve/webhook.ts',
  'host/hooks/parse.ts',
  'host/hooks/signatures.ts',
  'host/config/change.ts',
  'fence/landlock.ts',
  'fence/seccomp.ts',
  'fence/syscalls.ts',
  'fence/terms.ts',
  'host/config/selection.ts',
  'host/health/decide.ts',
  'host/api/agent-state.ts',
  'host/api/handlers.ts',
  'host/api/views.ts',
  'host/lifecycle/banner.ts',
  'host/lifecycle/exits.ts',
  'host/lifecycle/handles.ts',
  'jobs/agent.ts',
  'telemetry/early-warnings.ts',
  'jobs/attempt-state.ts',
  'jobs/batch.ts',
  'jobs/settle.ts',
  'jobs/faults.ts',
  'jobs/chain.ts',
  'jobs/job-state.ts',
  'jobs/waiting.ts',
  'jobs/model.ts',
  'jobs/placement.ts',
  'jobs/rights.ts',
  'jobs/settle.ts',
  'jobs/waiting.ts',
  'schedule/decide.ts',
  'schedule/plan.ts',
  'schedule/planning.ts',
  'schedule/slot-state.ts',
  'schedule/why.ts',
  'store/checks.ts',
  'workers/cell-memory.ts',
  'workers/host-allow-list.ts',
  'workers/permissions.ts',
  'workers/inside/fetch-order.ts',
  'workers/inside/plain-data.ts',
  'workers/wire.ts',
  'workers/worker-state.ts',
]);

/** `path` is relative to `src/`. `npm run mutate -- <file>` lets Stryker mutate such a file. */
export function isPure(path: string): boolean {
  if (FILES.has(path) || path.endsWith('/ports.ts')) return true;
  return FOLDERS.some((folder) => path.startsWith(folder)) && !ACTING.has(path);
}

/** Each name of a file that the list writes out. */
export const NAMED_FILES: readonly string[] = [...ACTING, ...FILES];
