import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ExecCallFacts, holdsPlace, nextCalls } from '../../src/gateway/exec/calls.ts';
import { recordsIn } from '../../src/gateway/exec/children-file.ts';
import { createBoundedOutput } from '../../src/gateway/exec/inside/bounded.ts';
import { createOrphans } from '../../src/gateway/exec/inside/orphans.ts';
import {
  createProcessTable,
  leftoversOf,
  lineOf,
  membersOf,
  type Process,
} from '../../src/gateway/exec/inside/process-table.ts';
import { nextSignal } from '../../src/gateway/exec/inside/termination.ts';
import { parseStat } from '../../src/kernel/proc.ts';

const one = (pid: number, more: Partial<Process> = {}): Process => ({
  pid,
  parent: 1,
  group: pid,
  session: pid,
  start: 1_000 + pid,
  mark: null,
  ...more,
});
const pids = (found: Process[]) => found.map(({ pid }) => pid).sort((a, b) => a - b);
const OUTSIDE = 9;

describe('the processes of a command', () => {
  const commandGroup = {
    root: { pid: 20, start: 1_020 },
    mark: 'i:j:1:c',
    known: new Set<string>(),
    inCgroup: new Set<number>(),
  };

  it('are itself, its descendants, its session, its mark, its cgroup, and those seen before', () => {
    const processes = [
      one(20, { session: 20 }),
      one(21, { parent: 20, session: 20 }),
      one(22, { parent: 21, session: 22 }),
      one(23, { session: 22 }),
      one(24, { mark: 'i:j:1:c' }),
      one(25, { parent: 24 }),
      one(26),
      one(27),
      one(30, { mark: 'i:j:1:d' }),
      one(31),
    ];
    const found = membersOf(
      processes,
      { ...commandGroup, known: new Set(['26:1026']), inCgroup: new Set([27]) },
      OUTSIDE,
    );
    expect(pids(found)).toEqual([20, 21, 22, 23, 24, 25, 26, 27]);
  });

  it('are none when the pid is used by somebody else by now', () => {
    const strangers = [one(20, { start: 5 }), one(21, { parent: 20, session: 20 })];
    expect(membersOf(strangers, { ...commandGroup, known: new Set(['21:9']) }, OUTSIDE)).toEqual([]);
  });

  it('are never those of the broker’s own session that do not descend from it', () => {
    fc.assert(
      fc.property(fc.array(arbitraryProcess(), { maxLength: 12 }), (drawn) => {
        const processes = [...new Map(drawn.map((process) => [process.pid, process])).values()];
        const found = new Set(pids(membersOf(processes, commandGroup, OUTSIDE)));
        for (const process of processes) {
          const isSeed = process.mark === commandGroup.mark || (process.pid === 20 && process.start === 1_020);
          const isNear = processes.some(
            (other) =>
              other !== process &&
              found.has(other.pid) &&
              (process.parent === other.pid || (process.session === other.session && process.session !== OUTSIDE)),
          );
          // All that is near a member is one, and nothing is one that is near none.
          expect(found.has(process.pid)).toBe(isSeed || isNear);
        }
      }),
    );
  });
});

describe('a process that lost its parents', () => {
  const command = (mark: string, start: number) => ({ mark, root: { pid: start, start } });

  it('is of the one command that was there when it started, and of nobody when that has ended', () => {
    const orphans = createOrphans();
    const [a, b] = [command('a', 1_000), command('b', 1_200)];
    const orphan = one(100);
    expect(orphans.look([orphan], [a, b])).toEqual({ byMark: new Map([['a', [orphan]]]), ownerless: [] });
    expect(orphans.look([orphan], [b])).toEqual({ byMark: new Map(), ownerless: [orphan] });
  });

  it('lives until the last of the commands has ended that may have started it', () => {
    const orphans = createOrphans();
    const [a, b] = [command('a', 1_000), command('b', 1_050)];
    const later = command('c', 1_300);
    const orphan = one(100);
    const nothing = { byMark: new Map(), ownerless: [] };
    for (const living of [
      [a, b],
      [a, b, later],
      [b, later],
    ])
      expect(orphans.look([orphan], living)).toEqual(nothing);
    expect(orphans.look([orphan], [later])).toEqual({ byMark: new Map(), ownerless: [orphan] });
  });

  it('is of nobody when no command is left, whatever it was', () => {
    expect(createOrphans().look([one(100)], [])).toEqual({ byMark: new Map(), ownerless: [one(100)] });
  });
});

describe('what an earlier broker left', () => {
  const terms = { installation: 'i', outside: OUTSIDE, spared: new Set<number>() };
  const record = { pid: 20, start: 1_020, mark: 'i:j:1:c' };

  it('is a recorded process when pid, start and mark match, with its tree', () => {
    const processes = [one(20, { mark: record.mark }), one(21, { parent: 20 })];
    expect(pids(leftoversOf(processes, [record], terms))).toEqual([20, 21]);
  });

  it.each([
    ['another start', one(20, { start: 7, mark: 'z:j:1:c' })],
    ['another start and no mark', one(20, { start: 7 })],
    ['no mark', one(20)],
    ['the mark of another installation', one(20, { mark: 'z:j:1:c' })],
  ])('is not a process of the recorded pid with %s', (_, process) => {
    expect(leftoversOf([process], [record], terms)).toEqual([]);
  });

  it('is whatever carries a mark of the installation, but never the one that looks and those above it', () => {
    const processes = [
      one(30, { mark: 'i:j:2:d' }),
      one(40, { mark: 'i:j:2:e' }),
      one(41, { parent: 40, mark: 'i:j:2:e' }),
      one(50, { mark: 'ii:j:2:e' }),
    ];
    const spared = lineOf(processes, 41);
    expect([...spared]).toEqual([41, 40, 1]);
    expect(pids(leftoversOf(processes, [], { ...terms, spared }))).toEqual([30]);
  });
});

describe('a line of /proc/<pid>/stat', () => {
  it('is read whatever the name of the process is', () => {
    const rest = `S 7 8 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 12 13`;
    const facts = { pid: 12, parent: 7, group: 8, session: 9, start: 4_711, isZombie: false };
    for (const name of ['sh', 'a b', ') S 1 1 1', '(((']) expect(parseStat(`12 (${name}) ${rest}`)).toEqual(facts);
    expect(parseStat(`12 (sh) Z${rest.slice(1)}`)).toMatchObject({ isZombie: true });
    expect(parseStat('')).toBeUndefined();
  });

  it('tells of this process what the machine tells', () => {
    expect(createProcessTable().look()).toContainEqual(
      expect.objectContaining({ pid: process.pid, parent: process.ppid }),
    );
  });
});

describe('bounded output', () => {
  it('is whole up to the bound, and else begins and ends as the whole does', () => {
    const chunk = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.string({ maxLength: 60 }));
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 30 }), fc.integer({ min: 2, max: 200 }), (chunks, bytes) => {
        const output = createBoundedOutput(bytes);
        for (const text of chunks) output.add(Buffer.from(text));
        const whole = Buffer.from(chunks.join('')).toString();
        expect(output.isCut()).toBe(Buffer.byteLength(whole) > bytes);
        if (!output.isCut()) {
          expect(output.text()).toBe(whole);
          return;
        }
        const [head, tail] = output.text().split(/\n… \d+ bytes left out …\n/);
        expect(whole.startsWith(head!)).toBe(true);
        expect(whole.endsWith(tail!)).toBe(true);
        expect(Buffer.byteLength(head! + tail!)).toBeLessThanOrEqual(bytes);
        expect(Buffer.byteLength(head! + tail!)).toBeGreaterThan(bytes - 8);
      }),
    );
  });
});

describe('the record of children', () => {
  it('holds those whose end is not recorded, and stands a torn line', () => {
    const a = { pid: 1, start: 2, mark: 'a' };
    const b = { pid: 3, start: 4, mark: 'b' };
    const text = [a, { gone: 'a' }, b].map((line) => JSON.stringify(line)).join('\n');
    expect(recordsIn(`\n${text}\n\n{"pid":5,"st\n${JSON.stringify(a)}`)).toEqual([b, a]);
    expect(recordsIn('')).toEqual([]);
  });
});

describe('places', () => {
  it('are given to the oldest of an agent, and never more than it has', () => {
    const call = fc.record({
      agent: fc.constantFrom('a', 'b'),
      state: fc.constantFrom('queued', 'preparing', 'running', 'answered'),
    });
    fc.assert(
      fc.property(fc.array(call), fc.integer({ min: 1, max: 5 }), (drawn, places) => {
        const calls = drawn.map(
          (one, index) => ({ ...one, job: 'j', attempt: 1, call: index, mark: '' }) as ExecCallFacts,
        );
        const next = nextCalls(calls, 'a', places);
        const mine = calls.filter(({ agent }) => agent === 'a');
        const queued = mine.filter(({ state }) => state === 'queued');
        const free = Math.max(0, places - mine.filter(holdsPlace).length);
        expect(next).toEqual(queued.slice(0, free));
      }),
    );
  });
});

describe('killing', () => {
  it('asks once, waits for the grace, and then insists', () => {
    const pressing = { since: 0, askedAt: null };
    expect(nextSignal(pressing, 0, 1_000)).toBe('SIGTERM');
    expect(nextSignal(pressing, 0, 0)).toBe('SIGKILL');
    expect(nextSignal({ ...pressing, askedAt: 0 }, 999, 1_000)).toBeNull();
    expect(nextSignal({ ...pressing, askedAt: 0 }, 1_000, 1_000)).toBe('SIGKILL');
  });
});

function arbitraryProcess() {
  const near = fc.integer({ min: 18, max: 28 });
  return fc.record({
    pid: near,
    parent: fc.oneof(near, fc.constant(1)),
    group: near,
    session: fc.oneof(near, fc.constant(OUTSIDE)),
    start: fc.constantFrom(1_020, 5),
    mark: fc.constantFrom(null, null, 'i:j:1:c', 'z:j:1:c'),
  });
}
