import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { cgroupFolders, openMachineReadings, parseStalls } from '../../src/kernel/cgroup.ts';

const NONE = { periods: 0, throttled: 0 };
const V2 = '30 25 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate';
const V1 = [
  '31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
  '32 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
].join('\n');
const MEMINFO = 'MemTotal:       8000 kB\nMemFree:        1 kB\nMemAvailable:   3000 kB\n';
const KB = 1_024;

/** A folder in the place of `/`. */
function root(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'daruma-cgroup-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

it('finds the cgroup of version 2 and those above it', () => {
  expect(cgroupFolders('0::/system.slice/daruma.service\n', V2).unified).toEqual([
    '/sys/fs/cgroup/system.slice/daruma.service',
    '/sys/fs/cgroup/system.slice',
    '/sys/fs/cgroup',
  ]);
});

it('finds the cgroups of version 1 by their controllers, and of both where there are both', () => {
  const text = '5:memory:/jobs/a\n4:cpu,cpuacct:/\n0::/\n';
  expect(cgroupFolders(text, `${V1}\n${V2}`)).toEqual({
    unified: ['/sys/fs/cgroup'],
    memory: ['/sys/fs/cgroup/memory/jobs/a', '/sys/fs/cgroup/memory/jobs', '/sys/fs/cgroup/memory'],
    cpu: ['/sys/fs/cgroup/cpu,cpuacct'],
  });
});

it('knows that a container sees a part of the tree', () => {
  const mount = '31 25 0:27 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory';
  expect(cgroupFolders('5:memory:/docker/abc/x\n', mount).memory).toEqual([
    '/sys/fs/cgroup/memory/x',
    '/sys/fs/cgroup/memory',
  ]);
  expect(cgroupFolders('5:memory:/docker/abcdef\n', mount).memory).toEqual(['/sys/fs/cgroup/memory']);
});

it('reads limits, the working set, kills, quota and stalls of version 2, of each cgroup on the way up', () => {
  const own = 'sys/fs/cgroup/a/b';
  const read = openMachineReadings(
    root({
      'proc/self/cgroup': '0::/a/b\n',
      'proc/self/mountinfo': V2,
      'proc/meminfo': MEMINFO,
      'proc/pressure/memory':
        'some avg10=1.00 avg60=2.00 avg300=0.00 total=1\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=1\n',
      [`${own}/memory.max`]: 'max\n',
      [`${own}/memory.high`]: `${3_000 * KB}\n`,
      [`${own}/memory.current`]: `${2_000 * KB}\n`,
      [`${own}/memory.stat`]: `anon 5\ninactive_file ${500 * KB}\nactive_file 9\n`,
      [`${own}/memory.events`]: 'low 0\nhigh 7\nmax 3\noom 2\noom_kill 2\n',
      [`${own}/memory.pressure`]:
        'some avg10=40.00 avg60=1.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n',
      [`${own}/cpu.max`]: '150000 100000\n',
      [`${own}/cpu.stat`]: 'usage_usec 5\nnr_periods 100\nnr_throttled 40\n',
      'sys/fs/cgroup/a/memory.max': `${5_000 * KB}\n`,
      'sys/fs/cgroup/a/memory.current': `${4_000 * KB}\n`,
      'sys/fs/cgroup/a/cpu.max': 'max 100000\n',
    }),
  );
  expect(read()).toEqual({
    memory: {
      bounds: [
        { of: 'machine', limitBytes: 8_000 * KB, usedBytes: 5_000 * KB },
        { of: 'cgroup', limitBytes: 3_000 * KB, usedBytes: 1_500 * KB },
        { of: 'cgroup', limitBytes: 5_000 * KB, usedBytes: 4_000 * KB },
      ],
      stalls: { some: { avg10: 40, avg60: 2 }, full: { avg10: 0.5, avg60: 0 } },
      oomKills: 2,
    },
    cpu: { cores: 1.5, quotas: [{ periods: 100, throttled: 40 }, NONE, NONE], stalls: null },
    io: { stalls: null },
  });
});

it('reads the same of version 1; a limit above the memory of the machine is none', () => {
  const own = 'sys/fs/cgroup/memory/jobs/a';
  const read = openMachineReadings(
    root({
      'proc/self/cgroup': '5:memory:/jobs/a\n4:cpu,cpuacct:/c\n',
      'proc/self/mountinfo': V1,
      'proc/meminfo': MEMINFO,
      [`${own}/memory.limit_in_bytes`]: `${1_000 * KB}\n`,
      [`${own}/memory.usage_in_bytes`]: `${900 * KB}\n`,
      [`${own}/memory.stat`]: `inactive_file 1\ntotal_inactive_file ${100 * KB}\n`,
      [`${own}/memory.oom_control`]: 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n',
      'sys/fs/cgroup/memory/jobs/memory.limit_in_bytes': '9223372036854771712\n',
      'sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us': '50000\n',
      'sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us': '100000\n',
      'sys/fs/cgroup/cpu,cpuacct/c/cpu.stat': 'nr_periods 10\nnr_throttled 9\nthrottled_time 5\n',
    }),
  );
  const { memory, cpu } = read();
  expect(memory.bounds.slice(1)).toEqual([{ of: 'cgroup', limitBytes: 1_000 * KB, usedBytes: 800 * KB }]);
  expect(memory.oomKills).toBe(3);
  expect(cpu).toEqual({ cores: 0.5, quotas: [{ periods: 10, throttled: 9 }, NONE], stalls: null });
});

it('leaves out what the system does not say', () => {
  expect(openMachineReadings(root({}))()).toEqual({
    memory: { bounds: [], stalls: null, oomKills: 0 },
    cpu: { cores: null, quotas: [], stalls: null },
    io: { stalls: null },
  });
  expect(parseStalls('some avg10=1.00 avg60=2.00 avg300=3.00 total=4\n')).toEqual({
    some: { avg10: 1, avg60: 2 },
    full: { avg10: 0, avg60: 0 },
  });
});

it('reads this machine', () => {
  const [machine, ...cgroups] = openMachineReadings()().memory.bounds;
  expect(machine).toMatchObject({ of: 'machine', limitBytes: expect.any(Number) });
  for (const bound of [machine!, ...cgroups]) expect(bound.usedBytes).toBeLessThanOrEqual(bound.limitBytes);
});
