import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { installationFolder } from '../../src/cli/folder.ts';
import type { HostLauncher, Offline } from '../../src/cli/ports.ts';
import { createStage, exitCodeOf } from '../../src/cli/stage.ts';
import { Fault } from '../../src/kernel/fault.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { fakeHost, temporaryInstallation } from './fake-host.ts';
import { NOW } from './views.ts';

let folder: string;
let remove: () => void;
let said: string[];
beforeEach(() => {
  ({ folder, remove } = temporaryInstallation());
  said = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said.push(String(text));
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  remove();
});

const time = { ...machineTime, now: () => NOW };
const stageOn = (offline: HostLauncher['offline']) =>
  createStage({
    folder,
    json: false,
    time,
    launcher: {
      commandFence: vi.fn(),
      doctor: vi.fn(),
      checkStoreFile: vi.fn(),
      start: async () => 0,
      host: async () => 0,
      store: vi.fn(),
      fence: vi.fn(),
      backups: vi.fn(),
      readPlugin: vi.fn(),
      offline,
      check: async () => ({ agents: [], problems: [] }),
    },
  });

describe('while the host is down', () => {
  test('the last known state answers, and stderr says once when the host was last alive', async () => {
    const close = vi.fn();
    const lastState: Offline = {
      ask: async (op, args) => ({ op, args }),
      close,
      lastSign: new Date(NOW - 360_000).toISOString(),
    };
    const stage = stageOn(async () => lastState);
    expect(await stage.askAnyway('jobs', { limit: 3 })).toEqual({
      value: { op: 'jobs', args: { limit: 3 } },
      down: true,
    });
    await stage.askAnyway('dlq', {});
    stage.close();
    expect(close).toHaveBeenCalledOnce();
    expect(said.filter((line) => line.includes('the host is not running'))).toHaveLength(1);
    expect(said.join('')).toMatch(/last sign of life \d\d:58:31 \(6m ago\)/);
  });

  test('without a state to read it is a failure of its own', async () => {
    const stage = stageOn(async () => {
      throw new Fault({ code: 'STORE_MISSING', message: 'there is no store yet' });
    });
    await expect(stage.askAnyway('jobs', {})).rejects.toMatchObject({ plain: { code: 'HOST_DOWN' } });
    stage.close();
  });
});

test('a host that listens and does not answer is told, not waited for', async () => {
  const host = await fakeHost(folder, { dlq: () => new Promise(() => {}) });
  const stage = stageOn(() => Promise.reject(new Error('not wanted')));
  const asked = stage.ask('dlq', {}, 50);
  await expect(asked).rejects.toMatchObject({
    plain: { code: 'HOST_SILENT', message: `the host (pid ${process.pid}) listens but gave no answer within 0.05s` },
  });
  stage.close();
  await host.close();
});

test('exit codes: wrong usage 2, no host 4, everything else 1', () => {
  const codes = ['USAGE', 'HOST_DOWN', 'HOST_SILENT', 'HOST_RUNNING', 'JOB_UNKNOWN'];
  expect(codes.map((code) => exitCodeOf({ code, message: '' }))).toEqual([2, 4, 4, 1, 1]);
});

test('a folder that was named and is not there is wrong usage', () => {
  expect(() => installationFolder('nowhere', folder)).toThrow(`there is no folder ${folder}/nowhere`);
  expect(() => installationFolder('app:prod', folder)).toThrow('no host can work in');
  expect(installationFolder(undefined, `${folder}/logs`)).toBe(folder);
});
