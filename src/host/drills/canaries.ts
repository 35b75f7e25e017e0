import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createCatalog } from '../../catalog/catalog.ts';
import type { Catalog } from '../../catalog/ports.ts';
import { DRILL_PLANS, type DrillPlan, ORIGIN_PLAN } from '../../healing/drill-plans.ts';
import type { Agent } from '../../jobs/agent.ts';
import { drillAgent } from '../../kernel/drill-agents.ts';
import { packageFile } from '../../kernel/entry.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import type { Time } from '../../kernel/time.ts';

/** The agents that drills are done on: from a folder of Daruma's own, beside the installation's, never scheduled, in no list. */
export interface Canaries {
  /** Empty until the first drill. */
  agents(): ReadonlyMap<string, Agent>;
  /** Compiles the canary when it is first needed; rejects when it cannot be brought to life. */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

const CANARY = fileURLToPath(packageFile('drills/canary.ts'));

export function createCanaries(
  needs: { time: Time; log: Log; hostTimezone(): string; changed(): void },
  places: { folder: string },
): Canaries {
  let catalog: Catalog | undefined;
  let starting: Promise<void> | undefined;

  async function start() {
    const folder = join(places.folder, 'data/run/drills');
    rmSync(folder, { recursive: true, force: true });
    for (const part of ['plugins', 'agents']) mkdirSync(join(folder, part), { recursive: true });
    cpSync(CANARY, join(folder, 'plugins/canary.ts'));
    for (const plan of [...DRILL_PLANS, ORIGIN_PLAN])
      writeFileSync(join(folder, `agents/${drillAgent(plan.name)}.yaml`), agentFile(plan));
    const found = createCatalog(needs, { folder, versionsFolder: join(folder, 'versions') });
    catalog = found;
    found.onChange(needs.changed);
    await found.start();
    const [problem] = found.problems();
    if (problem) throw new Fault(problem);
  }

  return {
    agents: () => catalog?.agents() ?? new Map(),
    ready() {
      starting ??= start().catch(async (error) => {
        starting = undefined;
        await catalog?.stop();
        throw error;
      });
      return starting;
    },
    async stop() {
      await starting?.catch(() => {});
      await catalog?.stop();
    },
  };
}

function agentFile({ fault, limits }: DrillPlan): string {
  return JSON.stringify({
    plugin: 'canary',
    // A canary may take its process down: it never shares one.
    isolation: 'own',
    needs: { net: fault === ORIGIN_PLAN.fault ? ['127.0.0.1'] : [] },
    settings: { fault, limitMb: limits.memoryBytes / 1024 ** 2 },
    limits: {
      memory: `${limits.memoryBytes}B`,
      timeout: `${limits.timeoutMs}ms`,
      silence: `${limits.silenceMs}ms`,
      grace: `${limits.graceMs}ms`,
    },
  });
}
