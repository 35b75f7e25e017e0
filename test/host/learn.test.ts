import { resolve } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isFileWithin, type NeedsPlace, needsFor } from '../../src/host/learn/needs-for.ts';
import type { GrantedNeeds } from '../../src/jobs/agent.ts';
import type { NeedUse } from '../../src/workers/rehearsal.ts';

const NONE: GrantedNeeds = {
  secrets: [],
  env: [],
  net: [],
  read: [],
  write: [],
  exec: [],
  modules: [],
  fleet: false,
  llm: false,
};
const place = (kindOf: NeedsPlace['kindOf'] = () => 'file'): NeedsPlace => {
  return { folder: '/in', kindOf, settingOf: (host) => (host === 'api.example:443' ? 'settings.url' : undefined) };
};
const use = (need: NeedUse['need'], ...list: string[]): NeedUse[] => list.map((what) => ({ need, what }));

it('names paths in the installation by their short name, three files of a folder by the folder, and reads nothing twice', () => {
  const uses = [
    ...use('read', '/in/a/1', '/in/a/2', '/in/a/3', '/in/b/1', '/etc/hosts', '/in/out/x'),
    ...use('write', '/in/out/x'),
  ];
  const { needs } = needsFor(uses, NONE, place());
  expect(needs).toEqual({ ...NONE, read: ['/etc/hosts', 'a', 'b/1'], write: ['out/x'] });
});

it('never makes the installation, or what is around it, of its files', () => {
  expect(needsFor(use('read', '/in/1', '/in/2', '/in/3', '/x', '/y', '/z'), NONE, place()).needs.read).toEqual([
    '1',
    '2',
    '3',
    '/x',
    '/y',
    '/z',
  ]);
  expect(
    needsFor(
      use('write', '/in/new'),
      NONE,
      place(() => 'nothing'),
    ).needs.write,
  ).toEqual(['new']);
});

it('grants the folder to write for a file that is not there yet', () => {
  expect(
    needsFor(
      use('write', '/in/out/new.txt'),
      NONE,
      place(() => 'nothing'),
    ).needs.write,
  ).toEqual(['out']);
});

it('takes a host from the setting that names it, and leaves the ports of HTTP out', () => {
  const { needs } = needsFor(use('net', 'api.example:443', 'b.example:80', 'c.example:81', '[::1]:81'), NONE, place());
  expect(needs.net).toEqual(['settings.url', 'b.example', 'c.example:81', '[::1]:81']);
});

it('keeps what is declared, and says what of it was not used', () => {
  const declared: GrantedNeeds = {
    ...NONE,
    secrets: ['A', 'B'],
    net: ['*.example', 'other.test'],
    read: ['a', 'b'],
    exec: ['ls', { command: 'git', args: ['log', '*'] }],
    fleet: true,
  };
  const uses = [
    ...use('secrets', 'A', 'C'),
    ...use('net', 'api.test.example:443'),
    ...use('read', '/in/a/1'),
    ...use('exec', '["git","log","-1"]', '["git","push"]'),
  ];
  const { needs, added, unused } = needsFor(uses, declared, place());
  expect(needs).toEqual({ ...declared, secrets: ['A', 'B', 'C'], exec: [...declared.exec, 'git'] });
  expect(added).toEqual([...use('secrets', 'C'), ...use('exec', 'git')]);
  expect(unused).toEqual([
    ...use('secrets', 'B'),
    ...use('net', 'other.test'),
    ...use('read', 'b'),
    ...use('exec', 'ls'),
    ...use('fleet', 'fleet'),
  ]);
});

const path = fc
  .array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join('/')}`);
const anywhere = fc.oneof(
  path.map((inside) => `/in${inside}`),
  path,
);

it('covers every use, and grants nothing below which there is no use', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('read' as const, 'write' as const), anywhere), { maxLength: 12 }),
      fc.array(
        path.map((inside) => inside.slice(1)),
        { maxLength: 3 },
      ),
      fc.func(fc.constantFrom('file' as const, 'folder' as const, 'nothing' as const)),
      (files, read, kindOf) => {
        const uses = files.map(([need, what]) => ({ need, what }));
        const { needs, added, unused } = needsFor(uses, { ...NONE, read }, place(kindOf));
        const grants = (need: 'read' | 'write') => needs[need].map((one) => resolve('/in', one));
        for (const { need, what } of uses) {
          const granted = need === 'read' ? [...grants('read'), ...grants('write')] : grants('write');
          expect(granted.some((grant) => isFileWithin(what, grant))).toBe(true);
        }
        for (const { need, what } of added) {
          const grant = resolve('/in', what);
          expect(uses.some((one) => one.need === need && isFileWithin(one.what, grant))).toBe(true);
          expect(isFileWithin('/in', grant)).toBe(false);
        }
        expect(needs.read.slice(0, read.length)).toEqual(read);
        for (const { what } of unused) expect(read).toContain(what);
        // Learned twice is learned once.
        expect(needsFor(uses, needs, place(kindOf)).added).toEqual([]);
      },
    ),
  );
});
