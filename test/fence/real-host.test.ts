import { cpSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type ControlClient, connectControl } from '../../src/control/client.ts';
import { readHostFile } from '../../src/control/place.ts';
import { type Installation, installation, isRunning, plugin } from '../e2e/installation.ts';
import { noSecondIsMissing } from '../e2e/slots.ts';
import { type Answers, DONE, UNKNOWN_CALL } from './kernel-without.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Arguments of node by which a host runs on a kernel that answers so. */
const onKernel = (answers: Answers) => [
  '--no-warnings',
  join(import.meta.dirname, 'kernel-without.ts'),
  JSON.stringify(answers),
];

let place: Installation | undefined;
let client: ControlClient | undefined;
afterEach(async () => {
  client?.close();
  await place?.leave();
  client = undefined;
  place = undefined;
});

async function connected(at: Installation): Promise<ControlClient> {
  client = await connectControl(readHostFile(at.folder)!.socket);
  return client;
}

const RICH = plugin('return context.secrets.TOKEN.length;', "needs: { secrets: ['TOKEN'] },");
const PLAIN = plugin('return 1;');

describe('a host on a kernel', () => {
  it('without Landlock, with fence: required: agents with rights are off and say what to do, others work', async () => {
    place = installation(
      {
        '.env': 'TOKEN=1',
        'config/daruma.yaml': 'fence: required\n',
        'plugins/rich.ts': RICH,
        'plugins/plain.ts': PLAIN,
      },
      tmpdir(),
      { through: onKernel({ landlock_create_ruleset: UNKNOWN_CALL }) },
    );
    await place.start();
    const { ask } = await connected(place);
    const { id } = await ask('run', { agent: 'rich' });
    const { agents } = await place.until(
      () => ask('status', {}),
      (status) => status.agents.some(({ problem }) => problem?.code === 'FENCE_MISSING'),
    );
    const [rich] = agents.filter(({ name }) => name === 'rich');
    expect(rich).toMatchObject({
      problem: {
        message: expect.stringMatching(/fence: required.*no Landlock.*agents with rights are off/),
        next: expect.stringMatching(/fence: best/),
      },
    });
    expect(await ask('run', { agent: 'plain', wait: true })).toMatchObject({ state: 'done', result: 1 });
    expect(await ask('job', { id })).toMatchObject({ state: 'queued', failures: [] });
    expect((await place.daruma('status')).stdout).toContain('fence: required');
  });

  it('whose Landlock holds nothing: no agent with rights runs, and no new file is compiled', async () => {
    place = installation({ '.env': 'TOKEN=1', 'plugins/rich.ts': RICH, 'plugins/plain.ts': PLAIN });
    await place.start();
    await place.stop();
    const { folder } = place;
    const broken = installation({}, tmpdir(), { through: onKernel({ landlock_restrict_self: DONE }) });
    rmSync(broken.folder, { recursive: true });
    renameSync(folder, broken.folder);
    place = broken;
    await place.start();
    const { ask } = await connected(place);
    const { id } = await ask('run', { agent: 'rich' });
    const has = (code: string, name: string) => (status: Awaited<ReturnType<typeof ask<'status'>>>) =>
      status.agents.some((agent) => agent.name === name && agent.problem?.code === code);
    await place.until(() => ask('status', {}), has('FENCE_FAILED', 'rich'));
    place.write('plugins/late.ts', PLAIN);
    const { agents } = await place.until(() => ask('status', {}), has('FENCE_FAILED', 'late'));
    const problemOf = (name: string) => agents.find((agent) => agent.name === name)?.problem;
    expect(problemOf('rich')).toMatchObject({
      message: expect.stringMatching(
        /^the fences of a cell do not hold \(not refused: files\): agents with rights are off$/,
      ),
      next: 'daruma doctor',
    });
    expect(problemOf('late')).toMatchObject({
      message: expect.stringMatching(
        /^is not compiled: the fences of the builder do not hold \(not refused: signals\)$/,
      ),
      ...{ file: 'plugins/late.ts', next: 'daruma doctor' },
    });
    expect(await ask('job', { id })).toMatchObject({ state: 'queued', failures: [] });
  });
});

/** What a cell that was taken over writes to its channel, by the signal that asks for it. */
const SAID: Record<string, string> = {
  SIGUSR2: 'Buffer.from([0, 0, 0, 4, 1, 2, 3, 4])',
  SIGURG: 'Buffer.from([255, 255, 255, 255])',
  SIGWINCH: "frame([{ say: 'constructor' }])",
  SIGTTOU: "frame([{ say: 'ended', worker: 1, seq: 1, startedAt: null, durationMs: 'x', end: 5 }])",
  SIGTTIN: "Buffer.concat([Buffer.from([0, 0, 0x27, 0x10]), Buffer.from('['.repeat(5_000) + ']'.repeat(5_000))])",
};
const TAKEN_CELL = `import { writeSync } from 'node:fs';
const frame = (value) => { const text = Buffer.from(JSON.stringify(value)); const head = Buffer.alloc(4); head.writeUInt32BE(text.length); return Buffer.concat([head, text]); };
${Object.entries(SAID)
  .map(([signal, bytes]) => `process.on('${signal}', () => writeSync(3, ${bytes}));`)
  .join('\n')}
await import('./true-cell.js');
`;
const EACH_SECOND =
  "schedule: '* * * * * *', catchUp: 'all', overlap: 'queue', workers: { min: 1 }, limits: { attempts: 9, backoff: { first: '10ms', longest: '20ms' } },";
/** Its first attempt waits for good, its second one ends. */
const WAITS = plugin(
  'if (context.job.attempt > 1) return "again"; await context.state.set("begun", context.job.id); await new Promise(() => {});',
  "limits: { attempts: 3, backoff: { first: '10ms' } },",
);

/** A package like the checkout, but for its cells. */
function packageWithCells(source: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'daruma-taken-'));
  for (const path of ['dist', 'package.json']) cpSync(join(ROOT, path), join(copy, path), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const cell = join(copy, 'dist/workers/inside/cell.js');
  renameSync(cell, join(copy, 'dist/workers/inside/true-cell.js'));
  writeFileSync(cell, source);
  return copy;
}

describe('a cell that says what is no message', () => {
  it('ends, with an incident that has the evidence; its neighbours go on elsewhere, and so does the host', async () => {
    const copy = packageWithCells(TAKEN_CELL);
    try {
      const files = { 'plugins/waits.ts': WAITS, 'plugins/beats.ts': plugin('return context.job.slot;', EACH_SECOND) };
      place = installation(files, tmpdir(), { main: join(copy, 'dist/main.js') });
      await place.start();
      const { ask } = await connected(place);
      const host = place.host();
      /** An agent that took the shared cell down twice gets a cell of its own. */
      const cellOf = async (agent: string) => {
        const { fences = [] } = (await ask('status', {})).host!;
        return (fences.find((one) => one.agent === agent) ?? fences.find(({ cell }) => cell === 'shared'))?.pid ?? 0;
      };
      for (const signal of Object.keys(SAID)) {
        const { id } = await ask('run', { agent: 'waits' });
        await place.until(
          () => ask('state', { agent: 'waits' }),
          (entries) => JSON.stringify(entries).includes(JSON.stringify(id)),
        );
        const cell = await cellOf('waits');
        process.kill(cell, signal as NodeJS.Signals);
        await place.until(
          async () => (isRunning(cell) ? `the cell lives after ${signal}` : ''),
          (still) => still === '',
          10_000,
        );
        const job = await ask('job', { id, wait: true });
        expect(job).toMatchObject({ state: 'done', attempt: 2, result: 'again' });
        expect(job.failures).toMatchObject([
          { error: { code: 'CELL_LOST', message: expect.stringMatching(`pid ${cell}.* was killed: `) } },
        ]);
      }
      const incidents = await place.until(
        () => ask('incidents', {}),
        (all) => all.filter(({ verdict }) => verdict === 'cell-lost').length > 0,
      );
      const { evidence } = await ask('incident', { id: incidents.find(({ verdict }) => verdict === 'cell-lost')!.id });
      expect(JSON.stringify(evidence)).toMatch(/was killed: /);
      await noSecondIsMissing(place, 'beats', Date.now());
      expect(place.host()).toEqual(host);
      expect(place.said().stderr).toBe('');
    } finally {
      await place?.stop();
      rmSync(copy, { recursive: true, force: true });
    }
  });
});
