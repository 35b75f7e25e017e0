import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { messagesIn } from '../../src/gateway/child/process.ts';
import { FROM_BROKER, readFromBroker } from '../../src/gateway/exec/broker-messages.ts';
import { createFrameReader, framesOf } from '../../src/kernel/frames.ts';
import { createWorld, tempFolder, until } from './world.ts';

const place = vi.hoisted(() => ({ broker: undefined as string | undefined }));
vi.mock(import('../../src/kernel/paths.ts'), async (original) => {
  const paths = await original();
  return { ...paths, entryFile: (name: string) => place.broker ?? paths.entryFile(name) } as typeof paths;
});

beforeEach(() => {
  place.broker = undefined;
});

/** A broker that writes bytes (an expression of its own) when it is told to run something, and then waits. */
function badBroker(bytes: string): string {
  const file = join(tempFolder(), 'broker.mjs');
  writeFileSync(
    file,
    `import { Socket } from 'node:net';
     const pipe = new Socket({ fd: 3 });
     const frame = (value) => {
       const body = Buffer.from(JSON.stringify([value]));
       const head = Buffer.alloc(4);
       head.writeUInt32BE(body.length);
       return Buffer.concat([head, body]);
     };
     pipe.write(frame({ say: 'ready', killed: 0, noCgroup: 'none' }));
     pipe.on('data', (chunk) => chunk.includes('"run"') && pipe.write(${bytes}));
     pipe.on('close', () => process.exit());`,
  );
  return pathToFileURL(file) as unknown as string;
}

describe('a broker that sends', () => {
  it.each([
    ['eight bytes of nothing', "Buffer.from('ffffffffffffffff', 'hex')", 'a message of 4294967295 bytes'],
    ['what is no JSON', 'Buffer.from([0, 0, 0, 2, 0x7b, 0x7b])', 'a message that is no JSON'],
    ['a kind that nobody knows', "frame({ say: 'NODE_HANDLE_ACK' })", 'a message of an unknown kind'],
    [
      'a field out of its bounds',
      "frame({ say: 'gone', mark: 'm', left: -1, names: [], cpuMs: 0 })",
      'whose left is out of its bounds',
    ],
    [
      'a process that nobody asked for',
      "frame({ say: 'waiting', child: { pid: 7, start: 1, mark: 'm' } })",
      'nobody asked for',
    ],
  ])(
    '%s is killed, its commands are lost, the next broker runs commands, and an incident is told',
    async (_, bytes, why) => {
      place.broker = badBroker(bytes);
      const { run, broken, record } = await createWorld();
      await expect(run('true')).rejects.toMatchObject({
        plain: { code: 'EXEC_LOST', message: expect.stringMatching(/the exec broker was killed: .+/) },
      });
      expect(broken).toEqual([{ why: expect.stringContaining(why), agents: ['a'] }]);
      expect(record).toThrow();
      place.broker = undefined;
      expect(await run('true')).toMatchObject({ code: 0 });
      await until('an empty record', () => record() === '');
    },
  );
});

it('a result with 8 MB on both streams, each character the longest in JSON, is taken', () => {
  const stdout = '\u0001'.repeat(8 * 1024 * 1024);
  const result = { code: 0, signal: null, stdout, stderr: stdout, truncated: true, tookMs: 1 };
  const taken: unknown[] = [];
  const read = createFrameReader((frame) => taken.push(...messagesIn(frame, readFromBroker)), FROM_BROKER);
  for (const frame of framesOf([{ say: 'ended', mark: 'm', end: { is: 'ended', result } }])) read(frame);
  expect(taken).toHaveLength(1);
});
