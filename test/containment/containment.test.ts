import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlClient, connectControl } from '../../src/control/client.ts';
import { readHostFile } from '../../src/control/place.ts';
import type { JobView } from '../../src/control/protocol.ts';
import { mayHelp } from '../../src/kernel/fault.ts';
import { type Installation, installation, processesOf } from '../e2e/installation.ts';
import { noSecondIsMissing } from '../e2e/slots.ts';
import { SHAPES, type Shape } from './shapes.ts';

/** Shapes at a time: hangs overlap, and two cores are enough for them. */
const SIDE_BY_SIDE = 6;
/** How late a neighbour's job may begin on a machine with better things to do. */
const LATE_MS = 8_000;

const NEIGHBOUR = `import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'A healthy neighbour.',
  schedule: '* * * * * *', catchUp: 'all', overlap: 'queue',
  limits: { attempts: 5, backoff: { first: '10ms', longest: '50ms' } },
  workers: { min: 1, max: 2 },
  async run({ job }) { return job.slot; },
});
`;

const source = ({ what, body, imports = '', needs = {}, isolation = 'shared', limits = {} }: Shape) => `${imports}
import { definePlugin } from 'daruma';
export default definePlugin({
  about: ${JSON.stringify(what)},
  needs: ${JSON.stringify(needs)},
  isolation: '${isolation}',
  limits: ${JSON.stringify({ memory: '48MB', timeout: '30s', grace: '100ms', silence: '20s', attempts: 2, backoff: { first: '10ms', longest: '20ms' }, ...limits })},
  async run(context): Promise<unknown> {
    if (context.job.attempt > 1) return 'clean';
    ${body}
  },
});
`;

const results = new Map<string, JobView>();
let place: Installation;
let client: ControlClient;
let before: Footprint;

interface Footprint {
  fds: number;
  rssBytes: number;
}

const footprint = (pid: number): Footprint => ({
  fds: readdirSync(`/proc/${pid}/fd`).length,
  rssBytes: Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024,
});

const hostPid = () => place.host()!.pid;

async function runShape(shape: Shape) {
  const { id } = await client.ask('run', { agent: shape.name, wait: true });
  results.set(shape.name, await client.ask('job', { id }));
}

beforeAll(async () => {
  place = installation({
    'config/daruma.yaml': 'cells:\n  idle: 1s\n',
    'plugins/beat-a.ts': NEIGHBOUR,
    'plugins/beat-b.ts': NEIGHBOUR,
  });
  mkdirSync(join(place.folder, 'pipes'));
  for (const pipe of ['sync', 'pool']) execFileSync('mkfifo', [join(place.folder, 'pipes', pipe)]);
  for (const shape of SHAPES) place.write(`plugins/${shape.name}.ts`, source(shape));
  await place.start();
  client = await connectControl(readHostFile(place.folder)!.socket);
  // A host starts with the plugins that it has after five seconds; on a busy machine it goes on with the rest.
  await client.ask('check', {});
  await place.until(
    () => client.ask('jobs', { agent: 'beat-b', limit: 1 }),
    ([job]) => job?.state === 'done',
  );
  // On a busy machine the look at a file may take longer than it may, and is tried again.
  await place.until(
    () => client.ask('status', {}),
    ({ agents }) => SHAPES.every(({ name }) => agents.some((agent) => agent.name === name && agent.version !== null)),
  );
  before = footprint(hostPid());
  const waiting = [...SHAPES];
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await runShape(next);
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, lane));
});

afterAll(async () => {
  client?.close();
  await place?.leave();
});

it.each(SHAPES.map((shape) => [shape.what, shape] as const))('%s', async (_what, shape) => {
  const job = results.get(shape.name)!;
  const codes = job.failures!.map(({ error }) => error.code);
  expect(shape.ends).toContain(codes[0] ?? 'done');
  const isFinal = !mayHelp({ code: codes[0] ?? 'done' });
  expect(job).toMatchObject(isFinal ? { state: 'dead', attempt: 1 } : { state: 'done', result: 'clean' });
  expect(codes.length).toBeLessThanOrEqual(1);
  const isDisturbed = codes.length > 0 || shape.ends.join() === 'done';
  const incidents = await place.until(
    () => client.ask('incidents', { agent: shape.name }),
    (found) => !isDisturbed || !shape.verdicts || found.length > 0,
  );
  expect(incidents.slice(1)).toEqual([]);
  for (const { id, verdict, jobs } of incidents) {
    expect(shape.verdicts ?? []).toContain(verdict);
    expect(jobs).toEqual([job.id]);
    const { state, evidence } = await place.until(
      () => client.ask('incident', { id }),
      (one) => one.state === 'healed',
    );
    expect(state).toBe('healed');
    if (shape.finds) expect(JSON.stringify(evidence)).toMatch(shape.finds);
  }
});

it('no neighbour missed a slot', async () => {
  const now = Date.now();
  for (const name of ['beat-a', 'beat-b']) {
    await noSecondIsMissing(place, name, now);
    const jobs = await place.until(
      () => client.ask('jobs', { agent: name, limit: 500 }),
      (list) => list.every(({ state, slot }) => state === 'done' || Date.parse(slot!) > now),
    );
    for (const { slot, startedAt } of jobs.filter(({ state }) => state === 'done')) {
      expect(Date.parse(startedAt!) - Date.parse(slot!)).toBeLessThan(LATE_MS);
    }
  }
});

it('an await at the top of a file that never settles is told, and never comes into force', async () => {
  place.write('plugins/endless.ts', `await new Promise(() => {});\n${NEIGHBOUR}`);
  const problem = await place.until(
    async () => JSON.stringify(await client.ask('check', {})),
    (answer) => answer.includes('endless'),
  );
  expect(problem).toMatch(/endless/);
  place.remove('plugins/endless.ts');
});

it('cells that die in a shared cell cost their neighbours no slot: they go on in another one', async () => {
  const since = Date.now();
  const shapes = SHAPES.filter(({ name }) => name === 'one-map' || name === 'pbkdf2');
  for (const shape of shapes) {
    const name = `shared-${shape.name}`;
    place.write(`plugins/${name}.ts`, source({ ...shape, isolation: undefined }));
    await place.until(
      () => client.ask('status', {}),
      ({ agents }) => agents.some((agent) => agent.name === name),
    );
    const job = await client.ask('run', { agent: name, wait: true });
    const { failures } = await client.ask('job', { id: job.id });
    expect(job).toMatchObject({ state: 'done', result: 'clean' });
    expect(shape.ends).toContain(failures![0]!.error.code);
  }
  for (const name of ['beat-a', 'beat-b']) await noSecondIsMissing(place, name, since);
});

it('nothing is left behind: no thread, no child, no zombie, no descriptor, no memory', async () => {
  const pid = hostPid();
  const left = await place.until(
    async () => {
      const cells = cellsOf(pid);
      return {
        threads: cells.flatMap(threadsOf).length,
        cells: cells.length,
        children: processesOf(place.folder).filter((text) => /sleep|setsid/.test(text)).length,
        zombies: zombiesBelow(pid).length,
        fds: footprint(pid).fds,
      };
    },
    ({ threads, cells, children, zombies, fds }) =>
      // The two neighbours, and one shared cell with a spare.
      threads <= 4 && cells <= 2 && children === 0 && zombies === 0 && fds <= before.fds + 10,
  );
  expect(left.zombies).toBe(0);
  expect(footprint(pid).rssBytes - before.rssBytes).toBeLessThan(120 * 1024 * 1024);
});

it('the table of the page is the one of this list', () => {
  const file = join(import.meta.dirname, '../../docs/containment.md');
  const rows = SHAPES.map(({ what, ends, verdicts, pays }) => {
    const told = ends.map((code) => (code === 'done' ? 'done' : `\`${code}\``)).join(', ');
    return `| ${what} | ${told} | ${verdicts?.join(', ') ?? '–'} | ${pays} |`;
  });
  const page = readFileSync(file, 'utf8');
  const [head, , rest] = page.split(/<!-- shapes -->\n|<!-- end of shapes -->/);
  const table = `| what the plugin does | its attempt ends with | incident | who pays |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
  const printed = `${head}<!-- shapes -->\n${table}<!-- end of shapes -->${rest}`;
  if (process.env.PRINT) writeFileSync(file, printed);
  expect(readFileSync(file, 'utf8')).toBe(printed);
});

function processes(): { pid: number; parent: number; state: string; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return [{ pid: Number(name), parent: Number(parent), state: state!, command }];
      } catch {
        return [];
      }
    });
}

function below(pid: number): ReturnType<typeof processes> {
  const all = processes();
  const found = all.filter(({ parent }) => parent === pid);
  for (const one of found) found.push(...all.filter(({ parent }) => parent === one.pid));
  return found;
}

const cellsOf = (host: number) =>
  below(host)
    .filter(({ command }) => command.includes('workers/inside/cell.js'))
    .map(({ pid }) => pid);
const zombiesBelow = (host: number) => below(host).filter(({ state }) => state === 'Z');

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).filter((tid) =>
      readFileSync(`/proc/${pid}/task/${tid}/comm`, 'utf8').startsWith('worker-'),
    );
  } catch {
    return [];
  }
}
