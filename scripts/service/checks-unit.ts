import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, expect, NotHere } from './checks.ts';
import { seconds, until } from './waiting.ts';

const START_MS = 60_000;

/** Checks of what the unit gives and takes, in order; the first check installs the unit. */
export const UNIT: readonly Check[] = [
  {
    name: 'daruma service install',
    async look(trial) {
      const begun = performance.now();
      const { code, json, out } = await trial.daruma('service', 'install', ...(trial.ofUser ? ['--user'] : []));
      const tookMs = performance.now() - begun;
      expect(code === 0 && json?.started, `code ${code}: ${out}`);
      expect(json.complaints?.length === 0, `systemd-analyze verify: ${json.complaints}`);
      await trial.up(START_MS);
      const at = await trial.show();
      expect(at.Type === 'notify' && at.StatusText?.endsWith('agents'), `it never said READY=1: ${at.StatusText}`);
      return `enabled, started, ready after ${seconds(tookMs)}; systemd-analyze has nothing to say; systemd was told "${at.StatusText}"`;
    },
  },
  {
    name: 'daruma service status, daruma status',
    async look(trial) {
      const { code, json } = await trial.daruma('service', 'status');
      const at = await trial.show();
      expect(
        code === 0 && json.state === 'active' && json.pid === Number(at.MainPID) && json.enabled,
        JSON.stringify(json),
      );
      const { host } = (await trial.daruma('status')).json;
      expect(host.watchedBy === 'systemd' && host.pid === json.pid, JSON.stringify(host));
      return `${json.state} (${json.sub}), enabled, pid ${json.pid}; watched by ${host.watchedBy}`;
    },
  },
  {
    name: 'the watchdog is told',
    async look(trial) {
      const at = await trial.show();
      const received = at.WatchdogTimestampMonotonic;
      const begun = performance.now();
      await until(
        'WATCHDOG=1',
        20_000,
        async () => (await trial.show()).WatchdogTimestampMonotonic !== received || undefined,
      );
      return `WATCHDOG=1 came after ${seconds(performance.now() - begun)}; WatchdogSec is ${Number(at.WatchdogUSec?.replace(/\D/g, '')) || at.WatchdogUSec} s`;
    },
  },
  {
    name: 'shipped agents, log and store within the folder',
    async look(trial) {
      const backup = await trial.job('backup');
      expect(backup.state === 'done', `backup is ${backup.state}: ${backup.error?.message}`);
      const report = await trial.job('performance-report');
      expect(report.state === 'done', `performance-report is ${report.state}: ${report.error?.message}`);
      const { json } = await trial.daruma('logs', '--lines', '5');
      expect(Array.isArray(json) ? json.length > 0 : json, 'there is no log');
      return 'backup and performance-report are done, the log is written';
    },
  },
  {
    name: 'a plugin that writes beside the installation',
    async look(trial) {
      if (trial.ofUser) throw new NotHere("a user's own systemd cannot protect the file system");
      const { state, error } = await trial.job('outside');
      expect(state === 'dead' && !existsSync(join(trial.outside, 'file')), `it is ${state}`);
      return `refused: ${error.message.split(',')[0]}`;
    },
  },
  {
    name: 'a command of a plugin',
    async look(trial) {
      const { result } = await trial.job('command', {
        line: 'grep 0:: /proc/self/cgroup; grep -E "NoNewPrivs|CapEff" /proc/self/status; touch /sys/fs/cgroup/x',
      });
      const group = /^0::(.*)$/m.exec(result.stdout)?.[1] ?? '';
      const own = (await trial.show()).ControlGroup!;
      expect(/^NoNewPrivs:\t1$/m.test(result.stdout), result.stdout);
      expect(group.includes(`${own}/daruma-exec-`), `it runs in ${group}, not in a cgroup of its own below ${own}`);
      expect(
        !trial.ofUser ? result.stderr.includes('Read-only') : result.code !== 0,
        `it may write cgroups: ${result.stderr}`,
      );
      return `runs in a cgroup of its own below the service's (${group.slice(own.length + 1).replace(/-[0-9a-f]{6,}/, '-…')}); others cannot be written`;
    },
  },
  {
    name: 'systemctl restart with LoadCredential= in a drop-in',
    async look(trial) {
      const { name, file } = trial.secret;
      const before = await trial.up(START_MS);
      await trial.edit(`LoadCredential=${name}:${file}`);
      const begun = performance.now();
      expect((await trial.systemctl('restart')).code === 0, 'systemctl restart failed');
      await trial.up(START_MS, before);
      const tookMs = performance.now() - begun;
      const { state, result, error } = await trial.job('secretive');
      expect(state === 'done' && result.letters === 12, `the secret did not arrive: ${error?.message}`);
      return `restarted after ${seconds(tookMs)}; the plugin has its secret of ${result.letters} letters`;
    },
  },
];

/** Takes memory away from the service, and the service from the machine; the last ones. */
export const END: readonly Check[] = [
  {
    name: 'a plugin that takes more memory than the service may have',
    async look(trial) {
      await trial.edit('MemoryMax=600M\nMemorySwapMax=0');
      await trial.systemctl('restart');
      const host = await trial.up(START_MS);
      if (!existsSync(join(trial.cgroup()!, 'memory.max')))
        throw new NotHere('there is no memory controller for services here');
      const { json } = await trial.daruma('run', 'hog');
      const job = await until('the hog ends', 60_000, async () => {
        const { json: one } = await trial.daruma('jobs', json.id);
        return one.state === 'done' || one.state === 'dead' ? one : undefined;
      });
      const kills = /^oom_kill (\d+)$/m.exec(readFileSync(join(trial.cgroup()!, 'memory.events'), 'utf8'))?.[1];
      const at = await trial.show();
      expect(Number(at.MainPID) === host && at.ActiveState === 'active', `the host did not live: ${at.Result}`);
      expect(Number(kills) > 0, `the kernel had no reason to kill; the job is ${job.state}`);
      await trial.edit(undefined);
      return `the kernel killed ${kills}, the host lives on, the job is ${job.state} in its attempt ${job.attempt}`;
    },
  },
  {
    name: 'daruma service uninstall',
    async look(trial) {
      const { json: before } = await trial.daruma('service', 'status');
      const pids = trial.processes();
      const { code, out } = await trial.daruma('service', 'uninstall');
      expect(code === 0, out);
      await trial.edit(undefined);
      const at = await trial.show();
      expect(at.LoadState === 'not-found', `systemd still knows it: ${at.LoadState}, ${at.ActiveState}`);
      const left = pids.filter((pid) => existsSync(`/proc/${pid}`));
      expect(left.length === 0, `left: ${left.join(', ')}`);
      expect(!trial.cgroup(), 'its cgroup is still there');
      expect(!existsSync(before.file), `${before.file} is still there`);
      const links = await trial.systemctl('is-enabled');
      expect(links.code !== 0, 'it is still enabled');
      return `${pids.length} processes, the unit, its link and its cgroup are gone; the installation is there: ${existsSync(join(trial.folder, 'plugins'))}`;
    },
  },
];
