import { describe, expect, test, vi } from 'vitest';
import { doctorCommand } from '../../src/cli/commands/doctor.ts';
import { createStage } from '../../src/cli/stage.ts';
import type { CommandFenceView, DoctorCheck, DoctorView, FenceView } from '../../src/control/protocol.ts';
import { Fault } from '../../src/kernel/fault.ts';

const full: FenceView = {
  ...{ fence: 'full', landlock: 7, seccomp: true, caps: '0', missing: [], tookMs: 2.4 },
  tried: { files: 'kernel', network: 'kernel', unixSockets: 'kernel', signals: 'kernel', commands: 'kernel' },
};

const IN_BWRAP: CommandFenceView = { fence: 'bwrap', missing: [] };

const fine: DoctorCheck = { name: 'node', group: 'host', state: 'ok', text: 'Node 26.10.0', fix: null };

async function doctor(
  fence: FenceView,
  commands: () => Promise<CommandFenceView> = async () => IN_BWRAP,
  checks: DoctorCheck[] = [fine],
) {
  const launcher = {
    ...{ start: vi.fn(), host: vi.fn(), store: vi.fn(), backups: vi.fn(), offline: vi.fn(), check: vi.fn() },
    readPlugin: vi.fn(),
    fence: async () => fence,
    commandFence: commands,
    doctor: async () => ({ checks }),
    checkStoreFile: async (): Promise<DoctorCheck> => ({
      ...fine,
      name: 'store',
      text: 'the file of the store is whole',
    }),
  };
  return doctorCommand(createStage({ folder: '/nowhere', json: false, launcher }));
}

describe('doctor', () => {
  test('says of each thing that a plugin may not do who refused it', async () => {
    const { lines, code, json } = await doctor(full);
    expect(code).toBeUndefined();
    expect(json).toMatchObject({ ...full, commands: IN_BWRAP, running: false });
    const text = lines.join('\n');
    expect(text).toMatch(/✓ commands .*in bubblewrap/);
    expect(text).toContain('✓ full · Landlock 7, filter of system calls · 2ms');
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
    const text = lines.join('\n');
    expect(text).toMatch(/! files: by Node only/);
    expect(text).toMatch(/files .*refused by Node alone/);
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
    expect(refused.lines.join('\n')).toMatch(/✗ exec\.fence: bwrap, and it is missing\n\s+→ install it/);
  });

  test('shows what was checked by groups, each problem with its fix, and counts them', async () => {
    const { lines, code, json } = await doctor(full, undefined, [
      fine,
      { name: 'backup', group: 'host', state: 'warning', text: 'there is no backup', fix: 'daruma backup now' },
      {
        name: 'secrets',
        group: 'agents',
        state: 'problem',
        text: 'SHOP_TOKEN is missing',
        fix: 'SHOP_TOKEN=… in .env',
      },
    ]);
    expect(code).toBe(3);
    expect((json as DoctorView).checks?.map(({ name }) => name)).toEqual(expect.arrayContaining(['store', 'commands']));
    const text = lines.join('\n');
    expect(text).toMatch(/^host\n {2}✓ Node 26\.10\.0\n {2}! there is no backup\n {6}→ daruma backup now/);
    expect(text).toMatch(/\nagents\n {2}✗ SHOP_TOKEN is missing\n {6}→ SHOP_TOKEN=… in \.env/);
    expect(lines.at(-1)).toMatch(/^1 problem, [12] warnings?$/);
  });

  test('fails when a fence that the kernel offers lets something through', async () => {
    const { lines, code } = await doctor({ ...full, fence: 'none', tried: { ...full.tried, signals: 'open' } });
    expect(code).toBe(3);
    expect(lines.join('\n')).toMatch(/signals .*NOT refused/);
  });
});
