import { describe, expect, it } from 'vitest';
import { exitAfterWork, exitOfRefused } from '../../src/host/lifecycle/exits.ts';

const settings = { code: 'HOST_SETTINGS_INVALID', file: 'config/daruma.yaml' };

describe('a host that worked', () => {
  it('ends with 0 under systemd or a guardian only after daruma stop: any other signal than theirs brings the next one', () => {
    for (const by of ['systemd', 'guardian'] as const) {
      expect(exitAfterWork({ failed: false, signal: undefined }, by)).toBe(0);
      expect(exitAfterWork({ failed: false, signal: 'SIGTERM' }, by)).toBe(143);
      expect(exitAfterWork({ failed: true, signal: undefined }, by)).toBe(1);
      expect(exitAfterWork({ failed: true, signal: 'SIGTERM' }, by)).toBe(1);
    }
  });

  it('ends with 0 where nobody starts the next one, whoever asked', () => {
    expect(exitAfterWork({ failed: false, signal: 'SIGTERM' }, null)).toBe(0);
    expect(exitAfterWork({ failed: false, signal: undefined }, null)).toBe(0);
    expect(exitAfterWork({ failed: true, signal: 'SIGTERM' }, null)).toBe(1);
  });
});

describe('a host whose store or folder is gone', () => {
  it('ends with the code after which nobody starts another one', () => {
    const final = { code: 'STORE_REMOVED', message: 'the store was removed' };
    for (const by of ['systemd', 'guardian', null] as const)
      expect(exitAfterWork({ failed: true, signal: undefined, final }, by)).toBe(78);
  });
});

describe('a host that cannot start', () => {
  it('waits for a person, whoever watches, when no host can work in a folder of that name', () => {
    for (const by of ['systemd', 'guardian', null] as const)
      expect(exitOfRefused({ code: 'FOLDER_NAME' }, by)).toEqual({ code: 78, waitMs: 0 });
  });

  it('waits for a person under systemd when its settings are wrong', () => {
    expect(exitOfRefused(settings, 'systemd')).toEqual({ code: 78, waitMs: 0 });
    expect(exitOfRefused({ code: 'YAML_INVALID', file: 'config/daruma.yaml' }, 'systemd').code).toBe(78);
  });

  it('is tried again under systemd, without haste, for everything that may mend itself', () => {
    for (const code of ['DISK_FULL', 'HOST_RUNNING', 'FOLDER_READONLY', 'STORE_IO', 'NO_INSTALLATION'])
      expect(exitOfRefused({ code }, 'systemd')).toEqual({ code: 1, waitMs: 10_000 });
    expect(exitOfRefused({ ...settings, code: 'FILE_UNREADABLE' }, 'systemd')).toEqual({ code: 1, waitMs: 10_000 });
  });

  it('ends at once with 1 elsewhere: the guardian decides, or a person reads', () => {
    expect(exitOfRefused(settings, 'guardian')).toEqual({ code: 1, waitMs: 0 });
    expect(exitOfRefused({ code: 'DISK_FULL' }, null)).toEqual({ code: 1, waitMs: 0 });
  });
});
