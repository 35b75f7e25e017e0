import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, expect } from './checks.ts';
import type { Trial } from './trial.ts';
import { pause, seconds, until } from './waiting.ts';

const RESTART_MS = 15_000;
/** WatchdogSec and what it takes to start again. */
const WATCHDOG_MS = 30_000 + RESTART_MS;

/** The schedule goes on: three new lines of an agent that runs each second. */
async function ticksOn(trial: Trial): Promise<void> {
  const before = trial.ticks();
  await until('the agent of each second runs', 15_000, () => trial.ticks() >= before + 3 || undefined);
}

/** Nothing of an earlier host is left. */
function gone(pids: number[]): string[] {
  return pids.filter((pid) => existsSync(`/proc/${pid}`) && !isZombie(pid)).map((pid) => `${pid} ${commandOf(pid)}`);
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
}

function isZombie(pid: number): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

/** How a service lives and dies, in the order in which it is looked at. */
export const LIFE: readonly Check[] = [
  {
    name: 'a signal that is not systemd’s: SIGTERM to the host',
    async look(trial) {
      const before = await trial.up(RESTART_MS);
      const begun = performance.now();
      process.kill(before, 'SIGTERM');
      await trial.up(RESTART_MS, before);
      return `the next host was ready after ${seconds(performance.now() - begun)}`;
    },
  },
  {
    name: 'SIGKILL of the host, with a job and a command with a daemon under way',
    async look(trial) {
      const before = await trial.up(RESTART_MS);
      const started = await trial.daruma('run', 'slow', '--input', '{"ms":4000}');
      await trial.daruma('run', 'command', '--input', '{"line":"setsid sleep 987 & sleep 4"}');
      await until('they run', 10_000, async () => {
        const { json } = await trial.daruma('jobs', '--state', 'running');
        const running = (json as { agent: string }[]).map(({ agent }) => agent);
        return (running.includes('slow') && running.includes('command')) || undefined;
      });
      await until(
        'the daemon runs',
        10_000,
        () => trial.processes().some((pid) => commandOf(pid).includes('sleep 987')) || undefined,
      );
      const pids = trial.processes();
      const begun = performance.now();
      process.kill(before, 'SIGKILL');
      await trial.up(RESTART_MS, before);
      const tookMs = performance.now() - begun;
      const left = gone(pids);
      expect(left.length === 0, `left of the killed host: ${left.join(', ')}`);
      const end = await until('the job that was cut off ends', 60_000, async () => {
        const { json } = await trial.daruma('jobs', started.json.id);
        return json.state === 'done' ? json : undefined;
      });
      expect(end.attempt > 1, 'the job that was cut off says that it was never tried again');
      await ticksOn(trial);
      return `${pids.length} processes gone; the next host was ready after ${seconds(tookMs)}, the job ended in its attempt ${end.attempt}, the schedule goes on`;
    },
  },
  {
    name: 'SIGSTOP of the host',
    async look(trial) {
      const before = await trial.up(RESTART_MS);
      const pids = trial.processes();
      const begun = performance.now();
      process.kill(before, 'SIGSTOP');
      await trial.up(WATCHDOG_MS, before);
      const tookMs = performance.now() - begun;
      const left = gone(pids);
      expect(left.length === 0, `left of the frozen host: ${left.join(', ')}`);
      await ticksOn(trial);
      return `killed by the watchdog; the next host was ready ${seconds(tookMs)} after it froze, the schedule goes on`;
    },
  },
  {
    name: 'systemctl stop, with a job of 3 s under way',
    async look(trial) {
      await trial.up(RESTART_MS);
      const started = await trial.daruma('run', 'slow', '--input', '{"ms":3000}');
      await until(
        'it runs',
        10_000,
        async () => (await trial.daruma('jobs', started.json.id)).json.state === 'running' || undefined,
      );
      const pids = trial.processes();
      const begun = performance.now();
      expect((await trial.systemctl('stop')).code === 0, 'systemctl stop failed');
      const tookMs = performance.now() - begun;
      const at = await trial.show();
      expect(at.ActiveState === 'inactive' && at.Result === 'success', `it is ${at.ActiveState}, result ${at.Result}`);
      const left = gone(pids);
      expect(left.length === 0, `left: ${left.join(', ')}`);
      expect(!trial.cgroup(), 'its cgroup is still there');
      await trial.systemctl('start');
      await trial.up(RESTART_MS);
      const { json } = await trial.daruma('jobs', started.json.id);
      expect(json.state === 'done' && json.attempt === 1, `the job is ${json.state}, attempt ${json.attempt}`);
      return `stopped after ${seconds(tookMs)}, the job is done, ${pids.length} processes gone, result ${at.Result}`;
    },
  },
  {
    name: 'systemctl stop and start, with a job of a minute under way',
    async look(trial) {
      await trial.up(RESTART_MS);
      const started = await trial.daruma('run', 'slow', '--input', '{"ms":60000}');
      await until(
        'it runs',
        10_000,
        async () => (await trial.daruma('jobs', started.json.id)).json.state === 'running' || undefined,
      );
      const begun = performance.now();
      await trial.systemctl('stop');
      const tookMs = performance.now() - begun;
      const at = await trial.show();
      expect(at.Result === 'success', `result ${at.Result}`);
      await trial.systemctl('start');
      await trial.up(RESTART_MS);
      const job = await until('the job is taken up', 30_000, async () => {
        const { json } = await trial.daruma('jobs', started.json.id);
        return json.state === 'running' ? json : undefined;
      });
      await trial.daruma('cancel', started.json.id);
      return `stopped after ${seconds(tookMs)}, result ${at.Result}; after the start the job is ${job.state} anew, attempt ${job.attempt}`;
    },
  },
  {
    name: 'daruma stop',
    async look(trial) {
      const before = Number((await trial.show()).NRestarts);
      expect((await trial.daruma('stop')).code === 0, 'daruma stop failed');
      await until(
        'the service is down',
        30_000,
        async () => (await trial.show()).ActiveState === 'inactive' || undefined,
      );
      await pause(3_000);
      const at = await trial.show();
      expect(at.ActiveState === 'inactive' && Number(at.NRestarts) <= before, `it is ${at.ActiveState} again`);
      await trial.systemctl('start');
      await trial.up(RESTART_MS);
      return 'it stays down for 3 s, until systemctl start';
    },
  },
  {
    name: 'a mistake in config/daruma.yaml of a host that has worked',
    async look(trial) {
      const file = 'config/daruma.yaml';
      const before = readFileSync(join(trial.folder, file), 'utf8');
      const host = await trial.up(RESTART_MS);
      // As long as it takes for its settings to be known as good.
      await pause(12_000);
      trial.write(file, `${before}\nlogs: { budgt: 1MB }\n`);
      process.kill(host, 'SIGKILL');
      await trial.up(RESTART_MS, host);
      const { code, json } = await trial.daruma('status');
      trial.write(file, before);
      expect(code === 3, `daruma status ended with ${code}`);
      const told = JSON.stringify(json.problems ?? json).match(/budgt[^"]*/)?.[0];
      expect(told, 'daruma status does not tell of it');
      return `it works with those that last worked; daruma status says: ${told}`;
    },
  },
  {
    name: 'the same mistake where no host has ever worked',
    async look(trial) {
      const file = 'config/daruma.yaml';
      const before = readFileSync(join(trial.folder, file), 'utf8');
      await trial.systemctl('stop');
      const { folder } = trial;
      const kept = join(folder, 'data/config');
      renameSync(kept, `${kept}.kept`);
      trial.write(file, `${before}\nlogs: { budgt: 1MB }\n`);
      const { code } = await trial.systemctl('start');
      await pause(3_000);
      const at = await trial.show();
      const status = await trial.daruma('service', 'status', ...(trial.ofUser ? ['--user'] : []));
      trial.write(file, before);
      renameSync(`${kept}.kept`, kept);
      expect(code !== 0, 'systemctl start says that all is well');
      expect(
        at.ActiveState === 'failed' && at.ExecMainStatus === '78',
        `it is ${at.ActiveState}, code ${at.ExecMainStatus}`,
      );
      expect(
        status.code === 3 && status.json.exitCode === 78,
        `daruma service status: code ${status.code}, ${status.out}`,
      );
      await trial.systemctl('start');
      await trial.up(RESTART_MS);
      return `systemctl start fails, code ${at.ExecMainStatus}, and it is not tried again (${at.StatusText})`;
    },
  },
  {
    name: 'three hosts killed right after their start',
    async look(trial) {
      await trial.systemctl('stop');
      await trial.systemctl('start');
      let host = await trial.up(RESTART_MS);
      for (let kills = 0; kills < 3; kills++) {
        process.kill(host, 'SIGKILL');
        host = await trial.up(RESTART_MS, host);
      }
      const { code, json } = await trial.daruma('status');
      expect(code === 3 && JSON.stringify(json).includes('SAFE_MODE'), `no safe mode: code ${code}`);
      await trial.systemctl('stop');
      await trial.systemctl('start');
      await trial.up(RESTART_MS);
      await ticksOn(trial);
      return 'the fourth is in safe mode; after systemctl stop and start it is not';
    },
  },
];
