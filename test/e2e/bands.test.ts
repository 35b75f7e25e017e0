import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentView, IncidentView, StatusView } from '../../src/control/protocol.ts';
import { HANGS_MS } from '../hangs.ts';
import { bytesOfLivingFiles } from '../living-folder.ts';
import { type Installation, installation, plugin } from './installation.ts';

/** Generous: the machine may be busy. */
const WITHIN_MS = HANGS_MS;
const MB = 1024 ** 2;
const BUDGET_BYTES = 4 * MB;

/** Takes so long, and says which it is. Five at a time: that is what makes a band quick to fill. */
const taking = (ms: number) =>
  plugin(`await new Promise((resolve) => setTimeout(resolve, ${ms})); return ${ms};`, 'workers: { min: 1, max: 5 },');
/** Its worker holds so much from its first job on, far below the limit. */
const holding = (megabytes: number) =>
  plugin(
    `globalThis.held ??= Buffer.alloc(${megabytes * MB}, 1); return ${megabytes};`,
    `limits: { memory: '512MB' }, workers: { min: 1, max: 1 },`,
  );
/** A version of its own, a quarter of a megabyte large. */
const large = (word: string) => plugin(`return '${word}'.length + '${word.repeat(250_000 / word.length)}'.length;`);

describe('a version on probation', () => {
  let place: Installation;

  beforeAll(async () => {
    place = installation({
      'config/daruma.yaml': `versions: { budget: ${BUDGET_BYTES / MB}MB }\n`,
      'plugins/slower.ts': taking(600),
      'plugins/slow-enough.ts': taking(600),
      'plugins/larger.ts': holding(8),
      'plugins/large-enough.ts': holding(8),
      'plugins/kept.ts': large('good'),
    });
    await place.start();
    await Promise.all([
      ran('slower', 8),
      ran('slow-enough', 8),
      ran('larger', 4),
      ran('large-enough', 4),
      ran('kept', 4),
    ]);
    await until((all) => [...all.values()].every(({ rollout }) => rollout === 'good'));
  });
  afterAll(() => place.leave());

  async function agents(): Promise<Map<string, AgentView>> {
    const { json } = await place.daruma('status', '--json');
    return new Map((json as StatusView).agents.map((one) => [one.name, one]));
  }
  const until = (holds: (all: Map<string, AgentView>) => boolean) => place.until(agents, holds, WITHIN_MS);
  const agent = async (name: string) => (await agents()).get(name)!;
  const incidents = async (name: string): Promise<IncidentView[]> =>
    (await place.daruma('incidents', name, '--json')).json;

  /** So many jobs, side by side; resolves with the versions that did them. */
  async function ran(name: string, times: number): Promise<string[]> {
    const jobs = await Promise.all(
      Array.from({ length: times }, async () => (await place.daruma('run', name, '--wait', '--json')).json),
    );
    for (const job of jobs) expect(job).toMatchObject({ state: 'done' });
    return jobs.map((job) => job.version);
  }
  /** Saves a version and waits until it is on probation; resolves with the one before and the new one. */
  async function saved(name: string, text: string): Promise<{ good: string; next: string }> {
    const { version } = await agent(name);
    place.write(`plugins/${name}.ts`, text);
    const all = await until((now) => now.get(name)!.rollout === 'probation');
    return { good: version!, next: all.get(name)!.version! };
  }

  it('that takes five times as long is rolled back by itself, and no job of it has failed', async () => {
    const { good, next } = await saved('slower', taking(3_000));
    await ran('slower', 5);
    const { version, problem } = (await until((all) => all.get('slower')!.rollout === 'rolled-back')).get('slower')!;
    expect(version).toBe(good);
    expect(problem?.message).toMatch(
      /^slower is rolled back to \w+: version \w+ takes 3\.\ds \(the median run; before, 95 of 100 took [\d.]+m?s or less\)$/,
    );
    expect(await incidents('slower')).toMatchObject([
      { verdict: 'bad-version', version: next, remedies: [{ kind: 'roll-back' }] },
    ]);
    expect(await ran('slower', 1)).toEqual([good]);
  });

  it('that takes twice as long stays, and is good after its runs', async () => {
    const { next } = await saved('slow-enough', taking(1_200));
    await ran('slow-enough', 20);
    const { version } = (await until((all) => all.get('slow-enough')!.rollout === 'good')).get('slow-enough')!;
    expect(version).toBe(next);
    expect(await incidents('slow-enough')).toEqual([]);
  });

  it('whose worker holds many times the memory, within its limit, is rolled back by itself', async () => {
    const { good, next } = await saved('larger', holding(160));
    expect(await ran('larger', 1)).toEqual([next]);
    const { version, problem } = (await until((all) => all.get('larger')!.rollout === 'rolled-back')).get('larger')!;
    expect(version).toBe(good);
    expect(problem?.message).toMatch(/version \w+ holds 1\d\d MB in one worker \(before: \d+ MB\)$/);
    expect(await incidents('larger')).toMatchObject([
      { verdict: 'bad-version', version: next, remedies: [{ kind: 'roll-back' }] },
    ]);
    expect(await ran('larger', 1)).toEqual([good]);
  });

  it('whose worker holds a little more stays, however long it is looked at', async () => {
    const { next } = await saved('large-enough', holding(24));
    const told = async () => (await agent('large-enough')).memory.usedBytes ?? 0;
    // The runs are far apart enough for the readings that the band asks for.
    await ran('large-enough', 1);
    await place.until(told, (bytes) => bytes > 24 * MB, WITHIN_MS);
    await ran('large-enough', 19);
    const { version } = (await until((all) => all.get('large-enough')!.rollout === 'good')).get('large-enough')!;
    expect(version).toBe(next);
    expect(await incidents('large-enough')).toEqual([]);
  });

  it('is kept within the budget of the settings, and so is the good one before it', async () => {
    const versions = join(place.folder, 'data/versions/kept');
    const kept = () => readdirSync(versions);
    const bytes = () => bytesOfLivingFiles(versions);
    const good = (await agent('kept')).version!;
    let newest = good;
    for (const word of ['aa', 'bb', 'cc', 'dd', 'ee', 'ff', 'gg', 'hh']) {
      place.write('plugins/kept.ts', large(word));
      const all = await until((now) => now.get('kept')!.version !== newest);
      newest = all.get('kept')!.version!;
    }
    await place.until(
      async () => bytes(),
      (now) => now <= BUDGET_BYTES,
      WITHIN_MS,
    );
    expect(kept()).toEqual(expect.arrayContaining([good, newest]));
    expect(kept().length).toBeLessThan(9);
    await place.daruma('rollback', 'kept', '--json');
    expect(await ran('kept', 1)).toEqual([good]);
  });
});
