import { timetableOf } from '../../kernel/cron/timetable.ts';
import type { MaintenanceWindow } from './ports.ts';

/** A maintenance window of the settings, which comes again and again. */
interface RecurringWindow {
  /** When it begins, in the zone of the host. */
  cron: string;
  forMs: number;
  /** null: of everything. */
  agents: readonly string[] | null;
}

/** The recurring windows that hold at `now` (epoch ms), as windows of one agent or of everything. */
export function recurringNow(
  windows: readonly RecurringWindow[],
  { now, timezone }: { now: number; timezone: string },
): MaintenanceWindow[] {
  return windows.flatMap(({ cron, forMs, agents }, index) => {
    // A window that begins at the very moment `now - forMs` has ended: its end is no part of it.
    const from = timetableOf({ expression: cron, timezone }).next(now - forMs);
    if (from === undefined || from > now) return [];
    const window = { id: `alerts.windows[${index}]`, from, until: from + forMs, note: cron };
    return (agents ?? [null]).map((agent) => ({ ...window, agent }));
  });
}

/** Whether a window of these is about the agent (null: the host). */
export function isInWindow(windows: readonly Pick<MaintenanceWindow, 'agent'>[], agent: string | null): boolean {
  return windows.some((window) => window.agent === null || window.agent === agent);
}
