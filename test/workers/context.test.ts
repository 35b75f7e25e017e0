import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fault } from '../../src/kernel/fault.ts';
import type { WorkerCall } from '../../src/workers/ports.ts';
import { createWorld, runs, type World } from './world.ts';

describe('the context', () => {
  let world: World;
  const effects = new Map<string, string | null | 'begun' | { problem: string }>();
  const states = new Map<string, string>();

  async function answer(call: WorkerCall): Promise<unknown> {
    switch (call.ask) {
      case 'beginEffect': {
        const key = `${call.job} ${call.key}`;
        if (!effects.has(key)) return effects.set(key, 'begun') && { is: 'new' };
        const value = effects.get(key);
        if (typeof value === 'object' && value) return { is: 'not-kept', problem: value.problem };
        return value === 'begun' ? { is: 'unknown' } : { is: 'done', result: value };
      }
      case 'endEffect':
        return void effects.set(
          `${call.job} ${call.key}`,
          call.problem === undefined ? call.result : { problem: call.problem },
        );
      case 'dropEffect':
        return void effects.delete(`${call.job} ${call.key}`);
      case 'getState':
        return states.get(call.key);
      case 'setState':
        return void states.set(call.key, call.value);
      case 'deleteState':
        return void states.delete(call.key);
      case 'stateKeys':
        return [...states.keys()];
      case 'send':
        if (call.to === 'nobody') throw new Fault({ code: 'UNKNOWN_AGENT', message: 'nobody is no agent' });
        return { id: `job for ${call.to}`, isNew: true, state: 'queued', sameInput: true };
      case 'emit':
        return 2;
      default:
        return { asked: call.ask };
    }
  }

  beforeAll(async () => {
    world = await createWorld({ answer, secrets: async () => ({ KEY: 'k-1' }) });
  });
  afterAll(() => world.close());

  async function result(name: string, body: string, change = {}, input: unknown = null): Promise<unknown> {
    await world.agent(name, runs(body), change);
    const outcome = await world.run(name, input);
    if (outcome.is !== 'done') throw new Error(`${outcome.fault.code}: ${outcome.fault.message}`);
    return outcome.result === null ? undefined : JSON.parse(outcome.result);
  }

  test('tells of the job, the agent, the folder and the declared secrets', async () => {
    expect(
      await result('tells', 'return { agent, folder, secrets, job };', { needs: { secrets: ['KEY'] } }, [1]),
    ).toEqual({
      agent: 'tells',
      folder: world.folder,
      secrets: { KEY: 'k-1' },
      job: { id: expect.any(String), attempt: 1, slot: null, trigger: 'manual', input: [1] },
    });
  });

  test('says which secret was not declared, and hides none that was', async () => {
    const body = `return [secrets.KEY, 'NOPE' in secrets, Object.keys(secrets), { ...secrets }, String(secrets.toString)];`;
    expect(await result('declared', body, { needs: { secrets: ['KEY'] } })).toEqual([
      'k-1',
      false,
      ['KEY'],
      { KEY: 'k-1' },
      'undefined',
    ]);
    await world.agent('undeclared', runs(`return secrets.NOPE.length;`), { needs: { secrets: ['KEY'] } });
    expect(await world.run('undeclared')).toMatchObject({
      retry: false,
      fault: {
        code: 'NOT_IN_NEEDS',
        message: 'NOPE is not in needs.secrets of agent undeclared',
        next: expect.stringContaining("secrets: ['NOPE']"),
      },
    });
  });

  test('does an effect once, and gives the stored result to a later call', async () => {
    expect(
      await result(
        'effects',
        `let times = 0;
    const first = await once('pay', () => ({ paid: ++times }));
    const again = await once('pay', () => ({ paid: ++times }));
    return { first, again, times };`,
      ),
    ).toEqual({ first: { paid: 1 }, again: { paid: 1 }, times: 1 });
  });

  test('hands out what was stored on the first attempt too: a date is a text already', async () => {
    expect(
      await result(
        'shape',
        `const { at, gone } = await once('k', () => ({ at: new Date(0), gone: undefined })); return typeof at + at;`,
      ),
    ).toBe('string1970-01-01T00:00:00.000Z');
    expect(
      await result('nothing', `return [(await once('k', () => {})) === undefined, await once('n', () => null)];`),
    ).toEqual([true, null]);
  });

  test('an effect whose result cannot be kept was done: the job is dead at once, and nothing does it again', async () => {
    const body = `globalThis.times ??= 0;
    try { return await once('charge', () => { globalThis.times++; return { id: 7n }; }, job.input ?? {}); }
    finally { log.info('times ' + globalThis.times); }`;
    await world.agent('lost', runs(body));
    const [given] = world.dispatch('lost');
    expect(await world.outcomeOf(given!)).toMatchObject({
      is: 'failed',
      retry: false,
      fault: {
        code: 'EFFECT_NOT_KEPT',
        message: expect.stringMatching(
          /^the effect of once\("charge"\) was done, but its result cannot be kept: it is not JSON: result.id is a BigInt$/,
        ),
        file: 'plugins/lost.ts',
        line: 7,
      },
    });
    const again = async (options: object | null, key: string) => {
      const [next] = world.dispatch('lost', [options]);
      effects.set(`${next!.job} charge`, { problem: 'result.id is a BigInt' });
      return { key, ...(await world.outcomeOf(next!)) };
    };
    expect(await again(null, 'fail')).toMatchObject({
      retry: false,
      fault: { code: 'EFFECT_NOT_KEPT', message: expect.stringContaining('by an earlier attempt') },
    });
    expect(await again({ ifUnknown: 'skip' }, 'skip')).toMatchObject({ is: 'done', result: null });
    expect(world.lines.filter(({ message }) => message.startsWith('times ')).map(({ message }) => message)).toEqual([
      'times 1',
      'times 1',
      'times 1',
    ]);
    expect(await again({ ifUnknown: 'repeat' }, 'repeat')).toMatchObject({ is: 'failed' });
  });

  test('takes two calls with one key at the same time for one effect', async () => {
    expect(
      await result('both', `let n = 0; return Promise.all([once('a', () => ++n), once('a', () => ++n)]);`),
    ).toEqual([1, 1]);
  });

  test('takes an effect that threw for not done', async () => {
    expect(
      await result(
        'throwing',
        `try { await once('a', () => { throw new Error('x'); }); } catch {}
    return once('a', () => 'second');`,
      ),
    ).toBe('second');
  });

  test.each([
    ['fail', 'EFFECT_UNKNOWN'],
    ['skip', undefined],
    ['repeat', 'done again'],
  ])('does what the author said when nobody knows whether the effect was done: %s', async (ifUnknown, expected) => {
    await world.agent(
      `unknown-${ifUnknown}`,
      runs(`return once('mail', () => 'done again', { ifUnknown: '${ifUnknown}' });`),
    );
    const [given] = world.dispatch(`unknown-${ifUnknown}`);
    effects.set(`${given!.job} mail`, 'begun');
    const outcome = await world.outcomeOf(given!);
    if (outcome.is === 'failed') expect(outcome).toMatchObject({ retry: false, fault: { code: expected } });
    else expect(outcome.result).toBe(expected === undefined ? null : JSON.stringify(expected));
  });

  test('keeps state, sends jobs and tells topics through the host', async () => {
    expect(
      await result(
        'asks',
        `await state.set('a', { n: 1 }); await state.set('nothing', null); await state.set('b', 2); await state.delete('b');
    return { a: await state.get('a'), none: (await state.get('none')) === undefined, nothing: await state.get('nothing'),
      keys: await state.keys(), sent: await send('mail', { to: 'x' }, { after: '5s', priority: 3, key: 'k' }), told: await emit('t', 1) };`,
      ),
    ).toEqual({ a: { n: 1 }, none: true, nothing: null, keys: ['a', 'nothing'], sent: 'job for mail', told: 2 });
    const sent = world.calls.find((call) => call.ask === 'send');
    expect(sent).toMatchObject({
      agent: 'asks',
      to: 'mail',
      input: '{"to":"x"}',
      afterMs: 5_000,
      priority: 3,
      key: 'k',
    });
    expect(sent).toMatchObject({ job: expect.any(String), attempt: 1 });
  });

  test('hands the host’s refusals over as errors of the plugin', async () => {
    await world.agent('refused', runs(`await send('nobody', 1);`));
    expect(await world.run('refused')).toMatchObject({
      fault: { code: 'UNKNOWN_AGENT', message: 'nobody is no agent', file: 'plugins/refused.ts' },
    });
  });

  test('counts a call that was not awaited as part of the attempt', async () => {
    await result('hasty', `state.set('hasty', true);`);
    expect(states.get('hasty')).toBe('true');
  });

  test('is of no use after the attempt has ended', async () => {
    await world.agent(
      'late',
      runs(`if (globalThis.kept) {
      const old = globalThis.kept;
      try { await old.state.get('a'); return 'answered'; } catch (error) { return error.message; }
    }
    globalThis.kept = context;`),
    );
    await world.run('late');
    expect(await world.run('late')).toMatchObject({ result: expect.stringContaining('has ended') });
  });

  test('shows the fleet only to those that need it', async () => {
    expect(await result('fleet', `return fleet.report({ from: '2026-01-01' });`, { needs: { fleet: true } })).toEqual({
      asked: 'fleetReport',
    });
    expect(world.calls.at(-1)).toMatchObject({ from: '2026-01-01T00:00:00.000Z' });
    await expect(result('nofleet', 'return fleet.health();')).rejects.toThrow(/NOT_IN_NEEDS: fleet is not in needs/);
  });

  test('refuses keys, times and values that cannot be kept', async () => {
    await expect(result('k1', `await state.set('', 1);`)).rejects.toThrow(/CALL_INVALID/);
    await expect(result('k2', `await state.set('a', undefined);`)).rejects.toThrow(/CALL_INVALID/);
    await expect(result('k3', `await state.set('a', 'x'.repeat(2e6));`)).rejects.toThrow(/TOO_LARGE/);
    await expect(result('k5', `await state.set('a', { at: [new Map()] });`)).rejects.toThrow(
      /NOT_JSON.*value.at\[0\] is a Map/,
    );
    await expect(result('k6', `await send('a', { n: NaN });`)).rejects.toThrow(/NOT_JSON.*input.n is NaN/);
    await expect(result('k7', `await emit('t', new Set());`)).rejects.toThrow(/NOT_JSON.*data is a Set/);
    await expect(result('k4', `await send('a', 1, { after: 'soon' });`)).rejects.toThrow(/CALL_INVALID: after/);
  });

  test('a secret that is missing gives the attempt back untouched', async () => {
    const other = await createWorld({
      secrets: async () => {
        throw new Fault({ code: 'SECRET_MISSING', message: 'secret KEY is nowhere', next: 'export KEY=…' });
      },
    });
    await other.agent('secret', runs('return 1;'), { needs: { secrets: ['KEY'] } });
    const { job, attempt } = other.dispatch('secret')[0]!;
    await other.until('it back', () => other.released.length > 0);
    expect(other.released).toEqual([{ job, attempt }]);
    expect(other.outcomes).toEqual([]);
    await other.close();
  });
});
