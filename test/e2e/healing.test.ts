import { afterEach, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation | undefined;
afterEach(async () => {
  await place?.leave();
  place = undefined;
});

interface Incident {
  id: string;
  agent: string | null;
  verdict: string;
  state: string;
  healedAt: string | null;
  jobs: string[];
  remedies: { kind: string; outcome: string }[];
  repeats: number;
}

const QUICK = 'limits: { attempts: 3, backoff: { first: "10ms", longest: "20ms" } },';
const incidents = async (...args: string[]) => (await place!.daruma('incidents', ...args, '--json')).json as Incident[];
const agentState = async (name: string) => {
  const { json } = await place!.daruma('status', '--json');
  return json.agents.find((agent: { name: string }) => agent.name === name) as { state: string; why: string };
};

it('quarantines an agent that crashes in a loop, keeps the slots of its neighbours, and lifts it when the file is mended', async () => {
  const crash = 'setTimeout(() => { throw new TypeError("prices is not iterable"); }, 1); await new Promise(() => {});';
  place = installation({
    'plugins/price-watch.ts': plugin(crash, `schedule: "* * * * * *", ${QUICK}`),
    'plugins/neighbour.ts': plugin('return 1;', 'schedule: "* * * * * *",'),
  });
  const { daruma, until, write } = place;
  await place.start();
  const quarantined = await until(
    () => agentState('price-watch'),
    // The quarantine is there before its incident has been written down.
    ({ state, why }) => state === 'quarantined' && /inc-\d/.test(why),
  );
  expect(quarantined.why).toMatch(/inc-\d+: 5 ends in .*prices is not iterable \(plugins\/price-watch\.ts:6/);

  const [incident] = await incidents('--open');
  expect(incident).toMatchObject({ agent: 'price-watch', verdict: 'crash-looping', state: 'open' });
  expect(incident!.remedies.at(-1)).toMatchObject({ kind: 'quarantine', outcome: 'pending' });
  // Whatever else was seen of it while it fell is part of that one.
  expect(await incidents('--open')).toHaveLength(1);
  const table = await daruma('incidents', '--open');
  expect(table.code).toBe(3);
  expect(table.stdout).toContain('crash-looping');
  const told = await daruma('incidents', incident!.id);
  expect(told.stdout).toContain('prices is not iterable');
  expect(told.stdout).toContain('daruma resume price-watch');

  // The slot that met the last crash is skipped for its unfinished job; those after it for the quarantine.
  const why = await until(
    () => daruma('why', 'price-watch', '--json'),
    ({ stdout }) => stdout.includes('quarantined: '),
  );
  expect(why.json.state).toBe('skipped');
  expect(JSON.stringify(why.json)).toContain(`quarantined: ${incident!.id}`);
  const crashes = (await daruma('jobs', 'price-watch', '--json')).json.length;

  write('plugins/price-watch.ts', plugin('return "mended";', `schedule: "* * * * * *", ${QUICK}`));
  const healed = await until(
    async () => (await incidents()).find(({ id }) => id === incident!.id),
    (one) => one?.state === 'healed',
  );
  expect(healed!.remedies.at(-1)).toMatchObject({ kind: 'quarantine', outcome: 'held' });
  expect(crashes).toBeLessThanOrEqual(6);
  const { json } = await daruma('status', '--json');
  expect(json.incidents).toEqual({ open: 0, healedToday: 1, muted: 0 });
  const slots = (await daruma('jobs', 'neighbour', '--json', '--limit', '1000')).json
    .map((job: { slot: string }) => Date.parse(job.slot))
    .sort((a: number, b: number) => a - b);
  for (let i = 1; i < slots.length; i++) expect(slots[i] - slots[i - 1]).toBe(1_000);
});

it('heals what hung, ran out of memory or fell silent: the same job is done on a clean worker, with one incident each', async () => {
  const first = (trouble: string) => `
    const tries = (await context.state.get('tries') ?? 0) + 1;
    await context.state.set('tries', tries);
    if (tries === 1) { ${trouble} }
    return tries;`;
  place = installation({
    'plugins/hangs.ts': plugin(
      first('for (;;) {}'),
      'limits: { attempts: 3, timeout: "700ms", grace: "100ms", backoff: { first: "10ms", longest: "20ms" } },',
    ),
    'plugins/swells.ts': plugin(
      first('const kept = []; for (;;) kept.push({ at: kept.length, more: [1, 2, 3] });'),
      'limits: { attempts: 3, memory: "48MB", backoff: { first: "10ms", longest: "20ms" } },',
    ),
    'plugins/quiet.ts': plugin(
      first('await new Promise(() => {});'),
      'limits: { attempts: 3, timeout: "60s", silence: "700ms", grace: "100ms", backoff: { first: "10ms", longest: "20ms" } },',
    ),
  });
  const { daruma, until } = place;
  await place.start();
  const names = ['hangs', 'swells', 'quiet'];
  const ran = await Promise.all(names.map((name) => daruma('run', name, '--wait', '--json')));
  for (const { json } of ran) expect(json).toMatchObject({ state: 'done', attempt: 2, result: 2 });
  const list = await until(
    () => incidents(),
    (found) => found.length === 3 && found.every(({ state }) => state === 'healed'),
  );
  const of = (agent: string) => list.find((one) => one.agent === agent)!;
  expect(of('hangs').verdict).toBe('stuck');
  expect(of('quiet').verdict).toBe('silent');
  expect(['out-of-memory', 'over-limit']).toContain(of('swells').verdict);
  for (const [index, name] of names.entries()) {
    expect(of(name)).toMatchObject({ repeats: 0, jobs: [ran[index]!.json.id] });
    expect(of(name).remedies.map(({ outcome }) => outcome)).toEqual(['held']);
  }
  const log = (await daruma('logs', '-n', '500')).stdout;
  expect(log).toMatch(/inc-\d+ healed after .*: hangs was stuck/);
});

it('tells of a host that was killed, with the job that it had, and heals by the first job that is done', async () => {
  place = installation({
    'plugins/slow.ts': plugin(
      'const n = (await context.state.get("n") ?? 0) + 1; await context.state.set("n", n); if (n === 1) await new Promise((r) => setTimeout(r, 60_000)); return n;',
      QUICK,
    ),
  });
  const { daruma, until } = place;
  await place.start({ guardian: false });
  const { json: job } = await daruma('run', 'slow', '--json');
  // A claimed job whose plugin has not begun would hang at its second attempt.
  await until(
    () => daruma('state', 'slow', '--json'),
    ({ stdout }) => stdout.includes('"n"'),
  );
  await place.stop('SIGKILL');
  await place.start({ guardian: false });
  const [incident] = await until(
    () => incidents(),
    ([one]) => one?.state === 'healed',
  );
  expect(incident).toMatchObject({ agent: null, verdict: 'host-lost', jobs: [job.id] });
  expect(incident!.remedies).toMatchObject([{ kind: 'restart-host', outcome: 'held' }]);
  expect((await daruma('jobs', job.id, '--json')).json).toMatchObject({ state: 'done', result: 2 });
  expect(await place.stop()).toBe(0);
  const down = await daruma('incidents', '--json');
  expect(down.code).toBe(4);
  expect(down.json).toHaveLength(1);
});

it('closes an incident by hand, with a note', async () => {
  place = installation({
    'plugins/falls.ts': plugin(
      'setTimeout(() => { throw new Error("fell"); }, 1); await new Promise(() => {});',
      'limits: { attempts: 1 },',
    ),
  });
  const { daruma, until } = place;
  await place.start();
  await daruma('run', 'falls', '--wait', '--json');
  const [incident] = await until(
    () => incidents('falls'),
    (found) => found.length === 1 && found[0]!.jobs.length === 1,
  );
  const closed = await daruma('ack', incident!.id, 'known,', 'it is old', '--json');
  expect(closed.json).toMatchObject({ id: incident!.id, state: 'closed', note: 'known, it is old' });
  expect((await daruma('incidents', '--open', '--json')).code).toBe(0);
  const unknown = await daruma('ack', 'inc-999', '--json');
  expect(unknown).toMatchObject({ code: 1, json: { error: { code: 'INCIDENT_UNKNOWN' } } });
});
