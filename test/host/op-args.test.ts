import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Op } from '../../src/control/protocol.ts';
import { readArgs, withReadArgs } from '../../src/host/door/op-args.ts';
import { BOUNDS } from '../../src/kernel/bounds.ts';
import { Fault } from '../../src/kernel/fault.ts';
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
    ['why', { agent: 'x'.repeat(201) }, /^why: agent "x+…? is no text of 1–200 characters$/],
    ['status', 'all', 'status: its arguments are an object, and not "all"'],
  ] as const)('%s %j is refused', (op, args, words) => {
    const said = refusal(op, args);
    if (typeof words === 'string') expect(said).toBe(words);
    else expect(said).toMatch(words);
  });

  it('are taken as they are when they are right', () => {
    const args = { agent: 'a', input: { deep: [1, null] }, wait: true, key: 'k', priority: -100, attempts: 1 };
    expect(readArgs('run', args)).toEqual(args);
    expect(readArgs('ping', undefined)).toEqual({});
  });

  it('are read before any op of a table, whoever calls it', async () => {
    const seen: unknown[] = [];
    const table = { pause: async (args: unknown) => void seen.push(args), ping: async () => 'pong' };
    const { pause, ping } = withReadArgs(table as never);
    const call = { item: () => true, gone: new AbortController().signal };
    await expect(pause({ agent: 'a', forMs: 2 ** 60 }, call)).rejects.toMatchObject({ code: 'ARGS_INVALID' });
    await pause({ agent: 'a', forMs: 60_000 }, call);
    expect(seen).toEqual([{ agent: 'a', forMs: 60_000 }]);
    expect(await ping({}, call)).toBe('pong');
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
    const ops = [
      'status',
      'jobs',
      'job',
      'run',
      'why',
      'next',
      'slots',
      'replay',
      'incidents',
      'pause',
      'rehearse',
      'drill',
    ] as const;
    const args = fc.oneof(anyValue, fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), anyValue));
    fc.assert(
      fc.property(fc.constantFrom(...ops), args, (op, given) => {
        expect(refusal(op, given)).toMatch(/^(taken|[a-z]+: [^\n]{5,400})$/u);
      }),
      { numRuns: 2_000 },
    );
  });
});
