import { afterEach, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation | undefined;
afterEach(async () => {
  await place?.leave();
  place = undefined;
});

/** Each in its own way: the thread, the process, a stuck loop, children, a server, and the clock of a schedule. */
const QUICK = ['crash', 'abort', 'hang', 'children', 'origin-down', 'clock'];

it('drills canaries beside real agents, which notice nothing, and measures what was promised', async () => {
  place = installation({ 'plugins/tick.ts': plugin('return 1;', 'schedule: "* * * * * *", overlap: "queue",') });
  await place.start();
  const said = await place.daruma('drill', ...QUICK, '--json');
  expect(said.json.map((one: { name: string }) => one.name)).toEqual(QUICK);
  for (const one of said.json) {
    expect(one).toMatchObject({ lost: 0, left: 0, promise: expect.any(String), promisedMs: expect.any(Number) });
    expect(one.repairMs).toEqual(expect.any(Number));
    expect(one.ok).toBe(one.repairMs <= one.promisedMs);
  }
  expect(said.code).toBe(said.json.every((one: { ok: boolean }) => one.ok) ? 0 : 1);

  const jobs = await place.daruma('jobs', 'tick', '--json', '--limit', '1000');
  expect(jobs.json.length).toBeGreaterThan(3);
  for (const job of jobs.json) expect(job.attempt).toBeLessThanOrEqual(1);
  const status = await place.daruma('status', '--json');
  expect(status.json.agents.map((agent: { name: string }) => agent.name)).toEqual(['tick']);
  const slots = await place.daruma('why', 'tick', '--json');
  expect(slots.json.state).toMatch(/ran|planned/);

  // Practice is no news: lists and counts leave it out until somebody asks for it.
  expect(status.json.incidents).toEqual({ open: 0, healedToday: 0, muted: 0 });
  const agentsOf = async (...words: string[]) =>
    new Set((await place!.daruma(...words, '--json')).json.map(({ agent }: { agent: string | null }) => agent));
  expect(await agentsOf('incidents')).toEqual(new Set());
  expect(await agentsOf('jobs')).toEqual(new Set(['tick']));
  expect(await agentsOf('incidents', '--drills')).toContain('drill-crash');
  expect(await agentsOf('incidents', '--drills')).not.toContain(null);
  expect(await agentsOf('jobs', '--drills', '--limit', '1000')).toContain('drill-crash');
  expect(await agentsOf('jobs', 'drill-crash')).toEqual(new Set(['drill-crash']));
});

it('refuses a drill that it does not know, and says which one was meant', async () => {
  place = installation();
  await place.start();
  const said = await place.daruma('drill', 'crsh', '--json');
  expect(said.code).toBe(1);
  expect(said.json.error).toMatchObject({ code: 'DRILL_UNKNOWN', next: 'did you mean crash?' });
});
