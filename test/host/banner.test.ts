import { expect, it } from 'vitest';
import type { Host } from '../../src/host/host.ts';
import type { HostContext } from '../../src/host/host-context.ts';
import { backLine, banner, firstWords, problemLines, readyLine } from '../../src/host/lifecycle/banner.ts';
import type { PlainFault } from '../../src/kernel/fault.ts';

const NOTE: PlainFault = { code: 'N', message: 'lib/ has no plugin' };
const WARNING: PlainFault = { code: 'W', message: 'the disk is nearly full', next: 'daruma doctor' };
const SETUP: PlainFault = { code: 'S', message: 'a secret is missing' };
const BAD: PlainFault = {
  ...{ code: 'P', message: 'no schedule of that kind', file: 'agents/shop.yaml', line: 3, column: 1 },
  ...{ frame: '  3 | schedule: x\n    | ^', next: 'write a cron expression' },
};
const FACTS = {
  ...{ version: '1.2.3', pid: 77, folder: '/srv/fleet', socket: '/srv/fleet/data/host.sock', startedAt: 0 },
  ...{ store: { file: '/srv/fleet/data/daruma.db' }, logFolder: '/var/log/daruma', watchedBy: 'guardian' },
};

interface Words {
  live?: string[];
  idle?: string[];
  problems?: PlainFault[];
  warnings?: PlainFault[];
  setup?: PlainFault[];
  notes?: PlainFault[];
  setupNotes?: PlainFault[];
  watchedBy?: string;
  page?: { url: string; port: number; origin?: string };
}

/** The part of a host that the banner reads. */
function hostOf({ live = [], idle = [], page, watchedBy = 'guardian', ...said }: Words): HostContext {
  const of = (names: string[], is: string) => names.map((name) => ({ name, is }));
  return {
    facts: { ...FACTS, watchedBy },
    catalog: {
      listings: () => [...of(live, 'live'), ...of(idle, 'idle'), { name: 'off', is: 'off' }],
      agents: () => new Map([...live].reverse().map((name) => [name, {}])),
      problems: () => said.problems ?? [],
      notes: () => said.notes ?? [],
    },
    setup: { problems: () => said.setup ?? [], notes: () => said.setupNotes ?? [] },
    warnings: () => said.warnings ?? [],
    web: { view: () => (page ? { url: page.url } : null) },
    settings: { web: { port: page?.port, origin: page?.origin } },
  } as unknown as HostContext;
}

const linesOf = (said: Words) => banner(hostOf(said), 1_500, 'config/daruma.yaml').split('\n');

it('says how many agents are at work, where things are, and commands that name one of them', () => {
  expect(linesOf({ live: ['shop', 'mail'], idle: ['post'] })).toEqual([
    '',
    '  daruma 1.2.3   ready in 1.5s   pid 77',
    '',
    '  agents     2 at work: shop, mail',
    '             1 waiting to be sent to: post',
    '  folder     /srv/fleet',
    '  store      ./data/daruma.db     logs /var/log/daruma     config config/daruma.yaml',
    '',
    '  next       daruma status · daruma run shop --wait · daruma logs -f · drop a .ts file into plugins/',
    '             Ctrl-C stops; what runs is finished first',
    '',
  ]);
});

it('names no agent where none is at work, and no keyboard where systemd watches', () => {
  const lines = linesOf({ watchedBy: 'systemd' });
  expect(lines).toContain('  agents     0 at work');
  expect(lines).toContain('  next       daruma status · daruma logs -f · drop a .ts file into plugins/');
  expect(lines.join('\n')).not.toMatch(/waiting|Ctrl-C|dashboard/);
});

it('shows warnings, what is not set up and problems, then notes, each with its place and its next step', () => {
  const lines = linesOf({ warnings: [WARNING], setup: [SETUP], problems: [BAD], notes: [NOTE], setupNotes: [NOTE] });
  expect(lines.slice(4, 14)).toEqual([
    '  ✗ the disk is nearly full',
    '      → daruma doctor',
    '  ✗ a secret is missing',
    '  ✗ agents/shop.yaml:3:1  no schedule of that kind',
    '        3 | schedule: x',
    '          | ^',
    '      → write a cron expression',
    '  · lib/ has no plugin',
    '  · lib/ has no plugin',
    '  folder     /srv/fleet',
  ]);
});

it('says where the page is, and that its port is another one only where somebody asked for one', () => {
  const pageOf = (page: Words['page']) => linesOf({ page: page! }).filter((line) => line.includes('dashboard'));
  const url = 'http://127.0.0.1:7777/';
  expect(pageOf({ url, port: 7777 })).toEqual([`  dashboard  ${url}   daruma open`]);
  expect(pageOf({ url, port: 0 })).toEqual([`  dashboard  ${url}   daruma open`]);
  expect(pageOf({ url, port: 8080 })).toEqual([`  dashboard  ${url} (port 8080 is taken)   daruma open`]);
  expect(pageOf({ url, port: 8080, origin: 'https://fleet.example' })).toEqual([`  dashboard  ${url}   daruma open`]);
});

it('breaks a long list of names at 80 letters, and loses none', () => {
  const live = Array.from({ length: 30 }, (_, at) => `agent-${at}`);
  const lines = linesOf({ live });
  const listed = lines.slice(3, lines.indexOf('  folder     /srv/fleet'));
  expect(listed.length).toBeGreaterThan(3);
  expect(listed[0]).toMatch(/^ {2}agents {5}30 at work: agent-0, /);
  for (const line of listed.slice(1)) expect(line).toMatch(/^ {13}\S.{0,78}\S$/);
  const names = listed.join(' ').replace('agents     30 at work: ', '').split(',');
  expect(names.map((name) => name.trim())).toEqual(live);
  // A name that fills its line to the last letter stays in it.
  const full = ['a'.repeat(38), 'b'.repeat(38), 'c'];
  expect(linesOf({ live: full })[3]).toBe(`  agents     3 at work: ${full[0]}, ${full[1]},`);
  expect(linesOf({ live: full })[4]).toBe(`             ${full[2]}`);
});

it('of a first start names the plugins that are compiled', () => {
  const found = {
    folder: '/srv/fleet',
    version: '1.2.3',
    plugins: ['shop', 'mail'],
    store: 's.db',
    logs: 'logs',
    config: 'c.yaml',
  };
  expect(firstWords(found).split('\n')).toEqual([
    '',
    '  daruma 1.2.3   starting: 2 plugins found, compiling what is new',
    '',
    '  plugins    shop, mail',
    '  folder     /srv/fleet',
    '  store      s.db     logs logs     config c.yaml',
    '  next       daruma status · daruma logs -f, in another terminal',
  ]);
});

it('of a host that is back is one line and its warnings', () => {
  expect(backLine(hostOf({ warnings: [WARNING], problems: [BAD] }), 300)).toBe(
    '✓ the host is back: pid 77, ready in 300ms\n  ✗ the disk is nearly full\n      → daruma doctor',
  );
  expect(backLine(hostOf({}), 300)).toBe('✓ the host is back: pid 77, ready in 300ms');
});

it('is a line of JSON for programs, its agents sorted', () => {
  expect(readyLine({ hostContext: hostOf({ live: ['a', 'b'], problems: [BAD] }) } as Host)).toEqual({
    ...{ pid: 77, version: '1.2.3', startedAt: '1970-01-01T00:00:00.000Z', folder: '/srv/fleet' },
    ...{ socket: FACTS.socket, store: FACTS.store.file, logs: FACTS.logFolder, agents: ['a', 'b'], problems: [BAD] },
  });
});

it('shows a problem with the sign that it is given', () => {
  expect(problemLines(NOTE)).toEqual(['  ✗ lib/ has no plugin']);
  expect(problemLines(NOTE, '!')).toEqual(['  ! lib/ has no plugin']);
});
