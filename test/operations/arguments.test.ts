import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Op } from '../../src/control/protocol.ts';
import { createOperations } from '../../src/host/api/handlers.ts';
import { BOUNDS } from '../../src/kernel/bounds.ts';
import { Fault } from '../../src/kernel/fault.ts';
import { OPERATIONS, readArgs } from '../../src/operations/table.ts';
import { anyValue } from '../kernel/extremes.ts';

const refusal = (op: Op, args: unknown): string => {
  try {
    readArgs(op, args);
    return 'taken';
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(Fault);
    expect((thrown as Fault).code).toBe('ARGS_INVALID');
    return (thrown as Fault).message;
  }
};

describe('the arguments of an op', () => {
  it.each([
    [
      'pause',
      { agent: 'a', forMs: 86_399_999_913_600_000 },
      /^pause: forMs 86399999913600000 is no whole number from 1 to/,
    ],
    ['pause', { agent: 'a', forMs: 0.5 }, /^pause: forMs 0.5 is no whole number/],
    ['pause', { agent: 'a', formS: 5 }, 'pause: there is no argument "formS", did you mean forMs?'],
    ['pause', {}, 'pause: agent is missing'],
    ['pause', [], /^pause: /],
    ['jobs', { limit: 1e9 }, 'jobs: limit 1000000000 is no whole number from 1 to 1000'],
    ['jobs', { states: ['frob'] }, 'jobs: states "frob" is no state of a job'],
    ['jobs', { since: '1' }, /^jobs: since "1" is no time in ISO 8601/],
    ['run', { agent: 'a', priority: 101 }, 'run: priority 101 is no whole number from -100 to 100'],
    [
      'run',
      { agent: 'a', attempts: Number.POSITIVE_INFINITY },
      'run: attempts Infinity is no whole number from 1 to 100',
    ],
    ['run', { agent: 'a', input: 'x'.repeat(BOUNDS.payload.most) }, /^run: input "x+…? is 1048578 characters of JSON/],
    ['level', { agent: 'a', level: 'loud' }, 'level: level "loud" is no level: debug, info, warn, error'],
    ['replay', { agent: 'a', states: ['done'] }, 'replay: states "done" is not one of dead, cancelled'],
    ['rehearse', { name: 'a', last: 1_001 }, 'rehearse: last 1001 is no whole number from 1 to 1000'],
    ['why', { agent: 'x'.repeat(201) }, /^why: agent "x+…? is no text of 1–200 characters$/],
    ['status', 'all', 'status: its arguments are an object, and not "all"'],
  ] as const)('%s %j is refused', (op, args, words) => {
    const said = refusal(op, args);
    if (typeof words === 'string') expect(said).toBe(words);
    else expect(said).toMatch(words);
  });

  it('are taken as they are when they are right', () => {
    const args = {
      debug: true,
      agent: 'a',
      input: { deep: [1, null] },
      wait: true,
      key: 'k',
      priority: -100,
      attempts: 1,
    };
    expect(readArgs('run', args)).toEqual(args);
    expect(readArgs('run', { agent: 'a', input: null })).toEqual({
      agent: 'a',
      input: null,
      wait: false,
      debug: false,
    });
    expect(readArgs('ping', undefined)).toEqual({});
  });

  it('that are left out have their defaults', () => {
    expect(readArgs('jobs', {})).toEqual({ limit: 50, drills: false });
    expect(readArgs('next', { agent: 'a' })).toEqual({ agent: 'a', n: 5 });
    expect(readArgs('rehearse', { name: 'a' })).toEqual({ name: 'a', last: 20, live: false });
    expect(readArgs('follow', { agent: undefined })).toEqual({ level: 'debug' });
  });

  it('that are refused say what the operation takes', () => {
    const thrown = (op: Op, args: unknown) => () => readArgs(op, args);
    const refused = (next: string) => expect.objectContaining({ plain: expect.objectContaining({ next }) });
    expect(thrown('pause', {})).toThrow(refused('pause takes { agent, forMs? }: docs/operations.md'));
    expect(thrown('jobs', 7)).toThrow(
      refused('jobs takes { agent?, states?, since?, cause?, text?, before?, limit?, drills? }: docs/operations.md'),
    );
    expect(thrown('ping', { a: 1 })).toThrow(refused('ping takes no arguments: docs/operations.md'));
  });

  it('are read before any handler of an operation, whoever asks', async () => {
    const seen: unknown[] = [];
    const down = () => new Fault({ code: 'HOST_DOWN', message: 'the host is not running' });
    const pause = async (args: { agent: string }) => {
      seen.push(args);
      return { agent: args.agent, until: null };
    };
    const { ask } = createOperations({ pause }, down);
    const call = { role: 'operator', item: () => true, gone: new AbortController().signal } as const;
    await expect(ask('pause', { agent: 'a', forMs: 2 ** 60 }, call)).rejects.toMatchObject({ code: 'ARGS_INVALID' });
    expect(await ask('pause', { agent: 'a', forMs: 60_000 }, call)).toEqual({ agent: 'a', until: null });
    expect(seen).toEqual([{ agent: 'a', forMs: 60_000 }]);
    await expect(ask('ping', {}, call)).rejects.toMatchObject({ code: 'HOST_DOWN' });
    await expect(ask('pauze', {}, call)).rejects.toMatchObject({
      code: 'OP_UNKNOWN',
      plain: { next: 'did you mean pause?' },
    });
    for (const op of ['toString', '__proto__', null, 7, { pause: 1 }]) {
      await expect(ask(op, {}, call)).rejects.toMatchObject({ code: 'OP_UNKNOWN' });
    }
  });

  it('are right or refused in words, whatever comes', () => {
    const names = [
      'agent',
      'id',
      'limit',
      'forMs',
      'n',
      'since',
      'at',
      'from',
      'to',
      'states',
      'priority',
      'attempts',
      'last',
      'input',
    ];
    const ops = Object.keys(OPERATIONS) as Op[];
    const args = fc.oneof(anyValue, fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), anyValue));
    fc.assert(
      fc.property(fc.constantFrom(...ops), args, (op, given) => {
        expect(refusal(op, given)).toMatch(/^(taken|[a-zA-Z]+: [^\n]{5,400})$/u);
      }),
      { numRuns: 2_000 },
    );
  });
});
