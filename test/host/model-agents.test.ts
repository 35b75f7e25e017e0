import { expect, it } from 'vitest';
import { createModelAgents } from '../../src/host/models/model-agents.ts';
import type { Agent } from '../../src/jobs/agent.ts';
import type { Outcome } from '../../src/jobs/model.ts';
import type { PlainFault } from '../../src/kernel/fault.ts';
import { Clock } from '../healing/world.ts';

const agent = (name: string, llm: boolean) => ({ name, needs: { llm } }) as unknown as Agent;
const [triage, plain] = [agent('triage', true), agent('plain', false)];

function world(agents: Agent[] = [triage, plain]) {
  const clock = new Clock();
  const state = {
    wanted: 0,
    closed: [] as string[],
    ended: [] as { job: string; attempt: number }[],
    recycled: [] as string[],
    placed: [] as (readonly string[])[],
    fault: undefined as PlainFault | undefined,
  };
  const models = createModelAgents({
    time: clock,
    bus: {
      emit: (fact, value) => void (fact === 'placement.changed' && state.placed.push(value as readonly string[])),
    },
    runnableAgents: () => new Map(agents.map((one) => [one.name, one])),
    models: () => ({
      want: () => void state.wanted++,
      open: (worker) => ({
        baseURL: 'http://127.0.0.1:9/v1',
        key: 'k',
        model: 'auto',
        close: () => void state.closed.push(worker),
      }),
      ended: (attempts) => void state.ended.push(...attempts),
      view: () => ({ pid: 1, port: 9 }),
      fault: () => state.fault,
    }),
    workers: () => ({
      view: () => ({
        room: { most: null, waiting: [] },
        cells: [],
        workers: [
          { worker: 'w1', agent: 'triage' },
          { worker: 'w2', agent: 'plain' },
        ] as never,
      }),
      recycle: (worker) => void state.recycled.push(worker),
    }),
  });
  return { clock, state, models };
}

it('an agent that asks models is held until the gateway listens, and starts with it; no other is', async () => {
  const { state, models } = world();
  expect(models.lacks(plain)).toBeUndefined();
  expect(models.lacks(triage)).toMatchObject({ code: 'MODELS_NOT_THERE', message: expect.stringContaining('started') });
  state.fault = { code: 'X', message: 'no port is free', next: 'free a port' };
  expect(models.lacks(triage)).toEqual({ code: 'MODELS_NOT_THERE', message: 'no port is free', next: 'free a port' });
  await models.ready();
  state.fault = undefined;
  const ready = models.ready();
  models.listens(4000, false);
  await ready;
  expect(models.lacks(triage)).toBeUndefined();
  expect(state).toMatchObject({ wanted: 2, placed: [['triage']], recycled: [] });
});

it('the gateway is not started for agents that do not ask it, and holds up no start of the host for ever', async () => {
  const none = world([plain]);
  none.models.use();
  await none.models.ready();
  expect(none.state.wanted).toBe(0);
  const { clock, models } = world();
  const ready = models.ready();
  await clock.pass(5_000);
  await ready;
});

it('workers that know the address of before are replaced when the gateway listens elsewhere', () => {
  const { state, models } = world();
  models.listens(4000, false);
  models.listens(4001, true);
  expect(state).toMatchObject({ recycled: ['w1'], placed: [['triage'], ['triage']] });
});

it('ends of attempts are told of workers that may ask, also of those that came after the end of their worker', async () => {
  const { clock, state, models } = world();
  const end = (worker: string, job: string) => ({ worker, fingerprint: 'f', outcome: { job, attempt: 1 } as Outcome });
  const { close } = models.open('w1', triage);
  models.ended([end('w1', 'a'), end('w2', 'b')]);
  close();
  models.ended([end('w1', 'c')]);
  expect(state).toMatchObject({
    closed: ['w1'],
    ended: [
      { job: 'a', attempt: 1 },
      { job: 'c', attempt: 1 },
    ],
  });
  await clock.pass(5_000);
  models.ended([end('w1', 'd')]);
  expect(state.ended).toHaveLength(2);
});
