import type { Alert, AlertFilter, MaintenanceWindow } from '../../../src/telemetry/alerts/ports.ts';
import type { TestClock } from '../laws/world.ts';
import type { Calls } from './jobs.ts';

/** Alerts and maintenance windows of a store in memory. */
export function memoryAlerts(clock: TestClock) {
  const kept = new Map<string, Alert>();
  let windows: MaintenanceWindow[] = [];
  let ids = 0;
  const holding = () => windows.filter(({ from, until }) => from <= clock.now && until > clock.now);
  const calls: Calls = {
    putAlerts(alerts: Alert[]) {
      for (const one of alerts) kept.set(one.id, one);
    },
    alerts: ({ since, agent, limit }: AlertFilter) =>
      [...kept.values()]
        .filter(({ endedAt }) => since === undefined || endedAt === null || endedAt >= since)
        .filter((one) => agent === undefined || one.agent === agent)
        .sort((a, b) => b.since - a.since || (a.id < b.id ? -1 : 1))
        .slice(0, limit),
    startWindow({ agent, forMs, note }: { agent: string | null; forMs: number; note: string | null }) {
      ids += 1;
      const one = { id: `mw-${ids}`, agent, from: clock.now, until: clock.now + forMs, note };
      windows.push(one);
      return one;
    },
    endWindows(id: string | null) {
      const ended = windows.filter((one) => one.until > clock.now && (id === null || one.id === id));
      for (const one of ended) one.until = clock.now;
      return ended;
    },
    windows: holding,
  };
  return {
    calls,
    prune(before: number): number {
      const old = [...kept.values()].filter(({ endedAt }) => endedAt !== null && endedAt < before);
      for (const { id } of old) kept.delete(id);
      const size = windows.length;
      windows = windows.filter(({ until, id }) => until >= before || id === `mw-${ids}`);
      return old.length + size - windows.length;
    },
  };
}
