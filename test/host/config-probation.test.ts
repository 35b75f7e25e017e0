import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Rollouts } from '../../src/catalog/ports.ts';
import { type ConfigFiles, openConfigFiles } from '../../src/host/config/files.ts';
import { type ConfigProbation, createConfigProbation } from '../../src/host/config/probation.ts';
import { readConfig } from '../../src/host/config/read.ts';
import type { Agent } from '../../src/jobs/agent.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { createSqliteStore, type SqliteStore } from '../../src/store/sqlite/store.ts';

const WITHIN_MS = 10_000;

describe('the probation of the host’s settings', () => {
  let folder: string;
  let files: ConfigFiles;
  let store: SqliteStore;
  let probation: ConfigProbation;
  let told: string[];
  const agents = new Map<string, Agent>();

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'daruma-config-'));
    mkdirSync(join(folder, 'config'));
    files = openConfigFiles(folder);
    files.keepGood('');
    writeFileSync(join(folder, 'config/daruma.yaml'), 'cells: { size: 10 }\n');
    store = createSqliteStore({ time: machineTime, log: silentLog }, { file: join(folder, 'a.db') });
    await store.start();
    told = [];
    agents.clear();
  });
  afterEach(async () => {
    await probation.stop();
    await store.stop();
    rmSync(folder, { recursive: true });
  });

  /** A host begins. */
  async function begin(wasLost: boolean, isHeld = (_: string) => false) {
    const config = readConfig(files, { unattended: true, now: machineTime.now() });
    config.begun({ wasLost, afresh: false });
    probation = createConfigProbation({
      time: machineTime,
      log: silentLog,
      config,
      catalog: { agents: () => agents, rollouts: { probationers: () => [] } as unknown as Rollouts },
      store,
      past: () => undefined,
      jobs: { redrive: (ids) => store.redrive(ids, machineTime.now()), wake() {} },
      isHeld,
      again: (why) => told.push(`again: ${why}`),
      tell: {
        begun: () => told.push('begun'),
        takenBack: (bad, runAgain) => told.push(`taken back, ${runAgain} again: ${bad.why}`),
        excused: () => told.push('excused'),
        approved: () => told.push('approved'),
      },
    });
    await probation.start();
    return config;
  }

  async function until(holds: () => boolean) {
    const deadline = performance.now() + WITHIN_MS;
    while (!holds()) {
      if (performance.now() > deadline) throw new Error(`it did not come true: ${told.join(' | ')}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  const event = (kind: string, at: number) => store.append([{ kind, at, agent: null, message: kind }]);

  const DAY = 86_400_000;

  /** A trial of a day, in which two hosts worked for a while and were lost all the same, as the third one sees it. */
  async function lostTwice({ lostBefore }: { lostBefore: number }) {
    for (let i = 0; i < 10; i++) {
      await event('host.started', machineTime.now() - 2 * DAY);
      if (i < lostBefore) await event('host.lost', machineTime.now() - 2 * DAY);
    }
    const trial = { since: machineTime.now() - DAY, starts: 2, lost: 1, failed: 0, excused: [] };
    await begin(false);
    await probation.stop();
    files.keepStanding({ trial: { ...files.rollout().trial!, ...trial }, bad: [] });
    await begin(true);
    await until(() => told.length > 1);
  }

  it('takes them back when hosts that worked for a while are lost again and again', async () => {
    await lostTwice({ lostBefore: 0 });
    expect(told).toEqual(['begun', 'again: the settings are taken back: 2 of 2 hosts were lost (before: 0 of 10)']);
    expect(files.rollout().bad).toMatchObject([{ kind: 'lost', struck: [] }]);
  });

  it('does not blame them for hosts that were lost as often before', async () => {
    await lostTwice({ lostBefore: 10 });
    expect(told).toEqual(['begun', 'approved']);
    expect(files.lastGood()).toBe('cells: { size: 10 }\n');
  });

  it('once they are taken back, runs again what died with a host, and tells of it once', async () => {
    await begin(false);
    const now = machineTime.now();
    const [added] = await store.add([{ agent: 'one', trigger: 'manual', input: null, attempts: 1 }], now);
    const { id } = added!;
    await store.claim([{ agent: 'one', version: 'v', limit: 1 }], { owner: 'o', leaseUntil: now, now: now + 1 });
    const error = { code: 'HOST_LOST', message: 'the host ended' };
    await store.settle([
      { job: id, attempt: 1, state: 'dead', startedAt: now + 1, finishedAt: now + 2, error, cause: 'f' },
    ]);
    expect(probation.rollBack()).toBe(true);
    expect(probation.rollBack()).toBe(false);
    await probation.stop();
    await begin(false);
    expect(told.slice(2)).toEqual(['taken back, 1 again: was taken back by hand']);
    expect(await store.get(id)).toMatchObject({ state: 'queued' });
    await probation.stop();
    await begin(false);
    expect(told).toHaveLength(3);
  });
});
