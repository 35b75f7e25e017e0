import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobView, StatusView } from '../../src/control/protocol.ts';
import { type Installation, installation, plugin } from './installation.ts';

/** Generous: the machine may be busy. */
const WITHIN_MS = 40_000;
const ONE_ATTEMPT = 'limits: { attempts: 1 },';
const working = (word: string) => plugin(`return '${word}';`, ONE_ATTEMPT);

describe('a changed version', () => {
  let place: Installation;
  const agents = ['breaks', 'crashes', 'outside', 'settles'];
  const outside = (word: string) =>
    plugin(
      `if (context.settings.down) throw new Error('the service is down'); return '${word}';`,
      `${ONE_ATTEMPT} settings: z.strictObject({ down: z.boolean().default(false) }),`,
    );

  beforeAll(async () => {
    place = installation({
      'plugins/breaks.ts': working('good'),
      'plugins/crashes.ts': working('good'),
      'plugins/settles.ts': outside('good'),
      // Whether the service is up is not the version's doing: it is a file that both read.
      'plugins/outside.ts': serviceUser('good'),
      'up.txt': 'yes',
    });
    await place.start();
    // A state is good after three runs; each agent has none before it.
    for (const agent of agents) for (let i = 0; i < 4; i++) await ran(agent, 'done');
    await until((status) => agents.every((name) => rollout(status, name) === 'good'));
  });
  afterAll(() => place.leave());

  function serviceUser(word: string): string {
    return `import { readFileSync } from 'node:fs';
import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'A plugin of a test.',
  ${ONE_ATTEMPT}
  needs: { read: ['up.txt'] },
  run({ folder }) {
    if (readFileSync(folder + '/up.txt', 'utf8') !== 'yes') throw new Error('the service is down');
    return '${word}';
  },
});
`;
  }

  async function status(): Promise<StatusView> {
    return (await place.daruma('status', '--json')).json;
  }
  function agentIn(view: StatusView, name: string) {
    return view.agents.find((one) => one.name === name)!;
  }
  const rollout = (view: StatusView, name: string) => agentIn(view, name).rollout;
  const until = (holds: (view: StatusView) => boolean) => place.until(status, holds, WITHIN_MS);
  const events = async (kind: string) =>
    (await place.daruma('logs', '--json', '-n', '500')).json.filter((line: { event?: string }) => line.event === kind);

  async function queued(agent: string): Promise<string> {
    return (await place.daruma('run', agent, '--json')).json.id;
  }
  async function ended(id: string): Promise<JobView> {
    return place.until(
      async () => (await place.daruma('jobs', id, '--json')).json,
      (job: JobView) => job.state === 'done' || job.state === 'cancelled',
      WITHIN_MS,
    );
  }
  /** Queues jobs until the new state has failed enough of them: until its worker is ready, the old one takes them. */
  async function queuedUntil(agent: string, holds: () => Promise<boolean>): Promise<string[]> {
    const jobs: string[] = [];
    await place.until(async () => jobs.push(await queued(agent)) > 2 && holds(), Boolean, WITHIN_MS);
    return jobs;
  }
  const isRolledBack = (agent: string) => async () => rollout(await status(), agent) === 'rolled-back';
  async function ran(agent: string, state: string): Promise<JobView> {
    const { json } = await place.daruma('run', agent, '--wait', '--json');
    expect(json.state).toBe(state);
    return json;
  }
  /** Saves a file and waits until what it says is on probation; resolves with the version. */
  async function saved(agent: string, path: string, text: string): Promise<string> {
    const before = agentIn(await status(), agent).version;
    place.write(path, text);
    const view = await until((now) => rollout(now, agent) === 'probation');
    const { version } = agentIn(view, agent);
    if (path.startsWith('plugins/')) expect(version).not.toBe(before);
    return version!;
  }

  it('that fails is rolled back by itself, and the jobs that it failed are run on the good one', async () => {
    const good = agentIn(await status(), 'breaks').version!;
    const bad = await saved(
      'breaks',
      'plugins/breaks.ts',
      plugin(`throw new TypeError('prices is not iterable');`, ONE_ATTEMPT),
    );
    for (const id of await queuedUntil('breaks', isRolledBack('breaks')))
      expect(await ended(id)).toMatchObject({ state: 'done', result: 'good', version: good });
    expect(agentIn(await status(), 'breaks')).toMatchObject({
      version: good,
      dead: 0,
      problem: {
        code: 'ROLLED_BACK',
        message: `breaks is rolled back to ${good.slice(0, 8)}: version ${bad.slice(0, 8)} failed 3 of 3 runs: prices is not iterable`,
        next: `mend plugins/breaks.ts, or force it: daruma rollback breaks ${bad.slice(0, 8)} --force`,
      },
    });
    const { json: incidents } = await place.daruma('incidents', 'breaks', '--json');
    expect(incidents).toHaveLength(1);
    expect(incidents[0]).toMatchObject({ verdict: 'bad-version', version: bad, remedies: [{ kind: 'roll-back' }] });
    expect(incidents[0].remedies[0].what).toContain('--force');
  });

  it('is kept with its source, is told by its rollout, and differs in lines', async () => {
    const { json } = await place.daruma('versions', 'breaks', '--json');
    expect(json.versions).toMatchObject([
      { rollout: 'bad', agents: [{ agent: 'breaks', is: 'bad', runs: false }] },
      { rollout: 'good', agents: [{ agent: 'breaks', is: 'good', runs: true }] },
    ]);
    const [bad, good] = json.versions.map(({ id }: { id: string }) => id);
    const kept = join(place.folder, 'data/versions/breaks', bad, 'source/plugins/breaks.ts');
    expect(readFileSync(kept, 'utf8')).toContain('prices is not iterable');
    const { stdout } = await place.daruma('diff', 'breaks', good.slice(0, 6), bad.slice(0, 6));
    expect(stdout).toContain("-  async run(context) { return 'good'; },");
    expect(stdout).toContain("+  async run(context) { throw new TypeError('prices is not iterable'); },");
  });

  it('can be forced, taken back, held and let go by hand', async () => {
    const { json } = await place.daruma('versions', 'breaks', '--json');
    const [bad, good] = json.versions.map(({ id }: { id: string }) => id);
    const refused = await place.daruma('rollback', 'breaks', bad.slice(0, 8), '--json');
    expect(refused).toMatchObject({ code: 1, json: { error: { code: 'VERSION_BAD' } } });
    const forced = await place.daruma('rollback', 'breaks', bad.slice(0, 8), '--force', '--json');
    expect(forced.json).toMatchObject({ before: good, version: bad, rollout: 'good' });
    const back = await place.daruma('rollback', 'breaks', '--json');
    expect(back.json).toMatchObject({ before: bad, version: good, rollout: 'pinned' });
    expect((await ran('breaks', 'done')).version).toBe(good);
    const latest = await place.daruma('rollback', 'breaks', '--latest', '--json');
    expect(latest.json).toMatchObject({ before: good, version: bad });
    place.write('plugins/breaks.ts', working('mended'));
    await until((now) => ![good, bad].includes(agentIn(now, 'breaks').version!));
    expect((await ran('breaks', 'done')).result).toBe('mended');
  });

  it('that crashes is rolled back at its first crash, as one incident', async () => {
    const bad = await saved(
      'crashes',
      'plugins/crashes.ts',
      plugin(`setTimeout(() => { throw new Error('out of the blue'); }); await new Promise(() => {});`, ONE_ATTEMPT),
    );
    for (const id of await queuedUntil('crashes', isRolledBack('crashes'))) {
      const job = await ended(id);
      expect(job).toMatchObject({ state: 'done', result: 'good' });
      expect(job.version).not.toBe(bad);
    }
    const { json: incidents } = await place.daruma('incidents', 'crashes', '--json');
    expect(incidents).toMatchObject([{ verdict: 'bad-version', version: bad }]);
  });

  it('in its settings is rolled back as well, and the version stays', async () => {
    const { version } = agentIn(await status(), 'settles');
    expect(await saved('settles', 'agents/settles.yaml', 'plugin: settles\nsettings: { down: true }\n')).toBe(version);
    for (const id of await queuedUntil('settles', isRolledBack('settles'))) {
      expect(await ended(id)).toMatchObject({ result: 'good', version });
    }
    const view = await status();
    expect(agentIn(view, 'settles').problem?.message).toContain('with its newest settings failed 3 of 3 runs');
  });

  it('is not blamed for a service that is down: it is tried again, and the incident says so', async () => {
    const { version: good } = agentIn(await status(), 'outside');
    const next = await saved('outside', 'plugins/outside.ts', serviceUser('next'));
    place.write('up.txt', 'no');
    const jobs = await queuedUntil('outside', async () => (await events('version.waived')).length > 0);
    // The agent gets the version back after the verdict has been written down.
    const view = await until((now) => agentIn(now, 'outside').version === next);
    expect(agentIn(view, 'outside')).toMatchObject({ version: next, rollout: 'probation', problem: null });
    // More of the same changes nothing now.
    for (let i = 0; i < 3; i++) await ran('outside', 'dead');
    expect(agentIn(await status(), 'outside')).toMatchObject({ version: next, rollout: 'probation' });
    const { json: incidents } = await place.daruma('incidents', 'outside', '--json');
    expect(incidents).toHaveLength(1);
    expect(JSON.stringify(incidents[0].timeline)).toContain(`${good!.slice(0, 8)} does the same`);
    place.write('up.txt', 'yes');
    await place.daruma('replay', jobs[0]!, '--yes');
    expect(await ended(jobs[0]!)).toMatchObject({ result: 'next', version: next });
  });

  it('is known without a host, and stays rolled back over a restart', async () => {
    const looks = [
      ['versions', 'crashes', '--json'],
      ['diff', 'crashes', '--json'],
    ];
    const told = await Promise.all(looks.map((words) => place.daruma(...words)));
    expect(told[0]!.json.versions[0]).toMatchObject({ rollout: 'bad', agents: [{ agent: 'crashes', runs: false }] });
    expect(told[1]!.json.files).toMatchObject([{ path: 'plugins/crashes.ts', is: 'changed' }]);
    expect(await place.stop()).toBe(0);
    const before = readdirSync(join(place.folder, 'data/versions'), { recursive: true }).sort();
    for (const [at, words] of looks.entries()) {
      expect(await place.daruma(...words)).toMatchObject({
        code: 4,
        json: told[at]!.json,
        stderr: expect.stringContaining('the host is not running'),
      });
    }
    expect(readdirSync(join(place.folder, 'data/versions'), { recursive: true }).sort()).toEqual(before);
    const unknown = await place.daruma('versions', 'crash', '--json');
    expect(unknown.json.error).toMatchObject({ code: 'PLUGIN_UNKNOWN', next: 'did you mean crashes?' });
    // As a host leaves it that was killed between the rollback and its event: the next one tells of it, once.
    const store = new DatabaseSync(join(place.folder, 'data/daruma.db'));
    const gone = store.prepare("DELETE FROM event WHERE kind = 'version.rolled-back' AND agent = 'crashes'").run();
    store.close();
    expect(gone.changes).toBe(1);
    for (const _again of ['once', 'and no second time']) {
      await place.start();
      const { json: told } = await place.daruma('events', 'crashes', '--topic', 'version.rolled-back', '--json');
      expect(told).toMatchObject([{ data: { bad: told[0].data.bad, reason: 'severe' } }]);
      if (_again === 'once') await place.stop();
    }
    const view = await until((now) => rollout(now, 'crashes') === 'rolled-back');
    expect(agentIn(view, 'crashes').problem?.code).toBe('ROLLED_BACK');
    expect((await ran('crashes', 'done')).result).toBe('good');
    expect(existsSync(join(place.folder, 'data/versions/crashes'))).toBe(true);
  });
});
