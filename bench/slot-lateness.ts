import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectControl } from '../src/control/client.ts';
import { readHostFile } from '../src/control/place.ts';
import { makeInstallation } from './reload/daruma-host.ts';
import { openWorld, until } from './world.ts';

/** After the last worker has started. */
const WARM_UP_MS = 10_000;
const STARTED_WITHIN_MS = 90_000;

const TICK = `import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'Says when it began.',
  workers: { min: 1, max: 1 },
  async run() { return Date.now(); },
});
`;

/** The slots of agents that are due each second. */
export interface SlotLateness {
  slots: number;
  ran: number;
  p50Ms: number | undefined;
  p99Ms: number | undefined;
  mostMs: number | undefined;
}

interface LatenessTerms {
  /** The compiled host that is measured: `dist/main.js`. */
  main: string;
  agents: number;
  seconds: number;
  /** Puts load beside the agents into the folder before the host starts. */
  load?(folder: string): void | Promise<void>;
  /** Looks at the host when the slots are over: a figure of the load, for the record. */
  after?(ask: (agent: string) => Promise<{ queued: number } | undefined>): Promise<void>;
}

/** So many agents, each due every second for so many seconds: how many of the slots ran, and how late `run` was entered. */
export async function measureSlots({ main, agents, seconds, load, after }: LatenessTerms): Promise<SlotLateness> {
  const world = openWorld('slots');
  const { folder } = world;
  makeInstallation(folder);
  writeFileSync(join(folder, 'plugins/tick.ts'), TICK);
  for (let i = 0; i < agents; i++)
    writeFileSync(join(folder, `agents/tick-${i}.yaml`), 'about: A tick.\nplugin: tick\nschedule: "* * * * * *"\n');
  await load?.(folder);
  const host = spawn(process.execPath, [main, 'start', '--json', '--dir', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: world.env,
  });
  const ended = new Promise((resolve) => host.once('exit', resolve));
  try {
    await new Promise((resolve) => host.stdout!.once('data', resolve));
    const client = await connectControl(readHostFile(folder)!.socket);
    // A hundred workers that start at once are no part of the figure.
    const isWarm = async () => ((await client.ask('status', {})).host?.workers ?? 0) >= agents;
    if (!(await until(STARTED_WITHIN_MS, isWarm))) throw new Error('the workers did not start');
    await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
    const from = Math.ceil(Date.now() / 1_000) * 1_000;
    const to = from + seconds * 1_000;
    await new Promise((resolve) => setTimeout(resolve, to + 2_000 - Date.now()));
    const lateMs: number[] = [];
    let slots = 0;
    for (let i = 0; i < agents; i++) {
      const agent = `tick-${i}`;
      const period = { from: new Date(from).toISOString(), to: new Date(to - 1).toISOString() };
      slots += (await client.ask('slots', { agent, ...period })).length;
      for (const { slot, result, state } of await client.ask('jobs', { agent, limit: 500 })) {
        const due = Date.parse(slot ?? '');
        if (state === 'done' && due >= from && due < to) lateMs.push(Number(result) - due);
      }
    }
    await after?.(async (agent) => (await client.ask('status', { agent })).agents.find(({ name }) => name === agent));
    client.close();
    lateMs.sort((a, b) => a - b);
    const at = (share: number) => lateMs[Math.min(lateMs.length - 1, Math.floor(share * lateMs.length))];
    return { slots, ran: lateMs.length, p50Ms: at(0.5), p99Ms: at(0.99), mostMs: lateMs.at(-1) };
  } finally {
    host.kill('SIGTERM');
    await ended;
    world.end();
  }
}
