import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createCatalog } from '../../src/catalog/catalog.ts';
import { whenAgentsAreIn } from '../../src/host/api/arriving.ts';
import { agentInForce } from '../../src/host/api/known.ts';
import { Fault } from '../../src/kernel/fault.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime, type Time } from '../../src/kernel/time.ts';
import { plugin } from '../catalog/world.ts';

/** A catalog that has started before any of its plugins is compiled, as on a machine that is slow. */
async function startedEarly(...names: string[]) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-arriving-')));
  mkdirSync(join(folder, 'plugins'));
  for (const name of names) writeFileSync(join(folder, `plugins/${name}.ts`), plugin('late'));
  const START_WAITS_MS = 5_000;
  const time: Time = {
    ...machineTime,
    after: (ms, call) => machineTime.after(ms === START_WAITS_MS ? 0 : ms, call),
  };
  const catalog = createCatalog(
    { time, log: silentLog, hostTimezone: () => 'UTC' },
    { folder, versionsFolder: join(folder, 'data/versions') },
  );
  onTestFinished(async () => {
    await catalog.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  await catalog.start();
  return catalog;
}

it('an agent whose plugin is still being compiled is waited for by whoever names it', async () => {
  const catalog = await startedEarly('late');
  expect(catalog.isSettled()).toBe(false);
  expect(() => agentInForce(catalog, 'late')).toThrow('there is no agent late');
  expect(await whenAgentsAreIn(catalog, () => agentInForce(catalog, 'late'))).toMatchObject({ name: 'late' });
  expect(catalog.isSettled()).toBe(true);
});

it('a name that no agent gets is refused in the plain words once all are in', async () => {
  const catalog = await startedEarly('late');
  await expect(whenAgentsAreIn(catalog, () => agentInForce(catalog, 'lat'))).rejects.toMatchObject({
    plain: { code: 'AGENT_UNKNOWN', message: 'there is no agent lat', next: 'did you mean late?' },
  });
});

it('after its time the wait ends, and the fault says that the agent may still come', async () => {
  const waits: number[] = [];
  const stuck = { isSettled: () => false, settled: async (ms: number) => void waits.push(ms) };
  const unknown = new Fault({ code: 'AGENT_UNKNOWN', message: 'there is no agent a', next: 'daruma agents' });
  await expect(whenAgentsAreIn(stuck, () => Promise.reject(unknown))).rejects.toMatchObject({
    plain: {
      code: 'AGENT_UNKNOWN',
      message: 'there is no agent a yet: plugins are still being compiled',
      next: 'the same again in a moment',
    },
  });
  expect(waits).toEqual([8_000]);
});

it('nothing is done twice that failed for another reason, or while all agents are in', async () => {
  let calls = 0;
  const fails = (code: string) => async () => {
    calls++;
    throw new Fault({ code, message: 'no' });
  };
  const stuck = { isSettled: () => false, settled: async () => {} };
  await expect(whenAgentsAreIn(stuck, fails('INPUT_INVALID'))).rejects.toThrow('no');
  await expect(whenAgentsAreIn({ ...stuck, isSettled: () => true }, fails('AGENT_UNKNOWN'))).rejects.toThrow('no');
  expect(calls).toBe(2);
});
