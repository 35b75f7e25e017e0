import { describe, expect, test, vi } from 'vitest';
import { doctorCommand } from '../../src/cli/commands/doctor.ts';
import { createStage } from '../../src/cli/stage.ts';
import type { FenceView } from '../../src/control/protocol.ts';

const full: FenceView = {
  ...{ fence: 'full', landlock: 7, seccomp: true, caps: '0', missing: [], tookMs: 2.4 },
  tried: { files: 'kernel', network: 'kernel', unixSockets: 'kernel', signals: 'kernel', commands: 'kernel' },
};

async function doctor(fence: FenceView) {
  const launcher = {
    ...{ start: vi.fn(), host: vi.fn(), store: vi.fn(), backups: vi.fn(), offline: vi.fn(), check: vi.fn() },
    fence: async () => fence,
  };
  return doctorCommand(createStage({ folder: '/nowhere', json: false, launcher }));
}

describe('doctor', () => {
  test('says of each thing that a plugin may not do who refused it', async () => {
    const { lines, code, json } = await doctor(full);
    expect(code).toBeUndefined();
    expect(json).toBe(full);
    expect(lines[0]).toContain('full · Landlock 7, filter of system calls · 2ms');
    const text = lines.join('\n');
    for (const name of ['files', 'network', 'sockets', 'signals', 'programs']) {
      expect(text).toMatch(new RegExp(`${name} .*refused by the kernel`));
    }
  });

  test('names what is missing, and what that means', async () => {
    const missing = ['files: by Node only, the kernel offers no Landlock'];
    const { lines, code } = await doctor({
      ...full,
      ...{ fence: 'partial', landlock: 0, missing, tried: { ...full.tried, files: 'node' } },
    });
    expect(code).toBeUndefined();
    expect(lines.join('\n')).toMatch(/files .*refused by Node alone[\s\S]*! files: by Node only/);
  });

  test('fails when a fence that the kernel offers lets something through', async () => {
    const { lines, code } = await doctor({ ...full, fence: 'none', tried: { ...full.tried, signals: 'open' } });
    expect(code).toBe(3);
    expect(lines.join('\n')).toMatch(/signals .*NOT refused/);
  });
});
