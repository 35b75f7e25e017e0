import { describe, expect, test, vi } from 'vitest';
import { doctorCommand } from '../../src/cli/commands/doctor.ts';
import { createStage } from '../../src/cli/stage.ts';
import type { CommandFenceView, FenceView } from '../../src/control/protocol.ts';
import { Fault } from '../../src/kernel/fault.ts';

const full: FenceView = {
  ...{ fence: 'full', landlock: 7, seccomp: true, caps: '0', missing: [], tookMs: 2.4 },
  tried: { files: 'kernel', network: 'kernel', unixSockets: 'kernel', signals: 'kernel', commands: 'kernel' },
};

const IN_BWRAP: CommandFenceView = { fence: 'bwrap', missing: [] };

async function doctor(fence: FenceView, commands: () => Promise<CommandFenceView> = async () => IN_BWRAP) {
  const launcher = {
    ...{ start: vi.fn(), host: vi.fn(), store: vi.fn(), backups: vi.fn(), offline: vi.fn(), check: vi.fn() },
    fence: async () => fence,
    commandFence: commands,
  };
  return doctorCommand(createStage({ folder: '/nowhere', json: false, launcher }));
}

describe('doctor', () => {
  test('says of each thing that a plugin may not do who refused it', async () => {
    const { lines, code, json } = await doctor(full);
    expect(code).toBeUndefined();
    expect(json).toEqual({ ...full, commands: IN_BWRAP });
    expect(lines.join('\n')).toMatch(/commands .*in bubblewrap/);
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

  test('says which fence commands wear, what it lacks, and fails where the one that is set does not work', async () => {
    const missing = ['bubblewrap is not installed'];
    const kernel = await doctor(full, async () => ({ fence: 'kernel', missing }));
    expect(kernel.code).toBeUndefined();
    expect(kernel.lines.join('\n')).toMatch(
      /commands .*behind the kernel's fences[\s\S]*! bubblewrap is not installed/,
    );
    const none = await doctor(full, async () => ({ fence: 'none', missing: [] }));
    expect(none.lines.join('\n')).toMatch(/commands .*NO fence/);
    const refused = await doctor(full, async () => {
      throw new Fault({
        code: 'EXEC_FENCE_MISSING',
        message: 'exec.fence: bwrap, and it is missing',
        next: 'install it',
      });
    });
    expect(refused).toMatchObject({ code: 3, json: { commands: null } });
    expect(refused.lines.join('\n')).toContain('exec.fence: bwrap, and it is missing → install it');
  });

  test('fails when a fence that the kernel offers lets something through', async () => {
    const { lines, code } = await doctor({ ...full, fence: 'none', tried: { ...full.tried, signals: 'open' } });
    expect(code).toBe(3);
    expect(lines.join('\n')).toMatch(/signals .*NOT refused/);
  });
});
