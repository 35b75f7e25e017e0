import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation;
const DIES = plugin("throw new GiveUp('no use');");
const PAGER = plugin(
  "if (context.job.input.data.job === undefined) return 'other';\n    throw new GiveUp('the pager is broken');",
  "on: ['job.dead', 'host.lost', 'agent.paused', 'incident.opened'],",
);
const CLERK = plugin('return context.job.input.topic;', "on: ['job.dead', 'host.lost', 'agent.paused'],");

beforeAll(async () => {
  place = installation({
    'plugins/dies.ts': DIES,
    'plugins/pager.ts': PAGER,
    'plugins/clerk.ts': CLERK,
    'plugins/liar.ts': plugin("const topic: string = 'job.' + 'dead';\n    await context.emit(topic, {});"),
  });
  await place.start();
});
afterAll(() => place.leave());

const jobsOf = async (agent: string) => {
  const { json } = await place.daruma('jobs', agent, '--state', 'all', '--json');
  return (json as { state: string; input: { topic: string; agent: string | null } | null }[]).toReversed();
};
const until = (agent: string, states: string[]) =>
  place.until(
    () => jobsOf(agent),
    (jobs) => jobs.map(({ state }) => state).join() === states.join(),
  );

it('a dead letter gives each listener one job; one that dies of it is told to nobody', async () => {
  const { json: before } = await place.daruma('run', 'dies', '--wait', '--json');
  expect(before).toMatchObject({ state: 'dead' });
  await until('pager', ['dead']);
  const [job] = await until('clerk', ['done']);
  expect(job).toMatchObject({
    trigger: 'event',
    result: 'job.dead',
    input: { topic: 'job.dead', from: null, agent: 'dies', data: { job: before.id, attempts: 1, code: 'GIVE_UP' } },
  });
});

it('a topic of the host is refused to plugins, and one that the host never has is a problem', async () => {
  const { json } = await place.daruma('run', 'liar', '--wait', '--json');
  expect(json).toMatchObject({ state: 'dead', attempt: 1, error: { code: 'TOPIC_RESERVED' } });
  await until('clerk', ['done', 'done']);
});

it('events wait for an agent that is paused, and are told by the next host when this one is killed', async () => {
  await place.daruma('pause', 'clerk');
  await place.daruma('pause', 'dies');
  await place.daruma('resume', 'dies');
  await place.daruma('run', 'dies', '--wait');
  await place.stop('SIGKILL');
  // Killed as soon as it said that it works: its start is told all the same, and its loss once.
  await place.start();
  await place.stop('SIGKILL');
  await place.start();
  const { json: starts } = await place.daruma('events', '--topic', 'host.started', '--json');
  expect(starts).toHaveLength(3);
  const jobs = await until('clerk', ['done', 'done', 'queued', 'queued', 'queued', 'queued']);
  expect(jobs.slice(2).map(({ input }) => [input!.topic, input!.agent])).toEqual([
    ['agent.paused', 'dies'],
    ['job.dead', 'dies'],
    ['host.lost', null],
    ['host.lost', null],
  ]);
  await place.daruma('resume', 'clerk');
  await until('clerk', ['done', 'done', 'done', 'done', 'done', 'done']);
});
