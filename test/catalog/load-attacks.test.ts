import { describe, expect, it } from 'vitest';
import { childrenOf, makeWorld, plugin, type World } from './world.ts';

/** A good plugin beside the one that attacks at load: it has to be live. */
async function attackedBy(before: string, look: (world: World) => void, rest?: string) {
  const world = await makeWorld({ 'plugins/good.ts': plugin('good'), 'plugins/bad.ts': plugin('bad', rest, before) });
  try {
    expect([...world.catalog.agents().keys()]).toContain('good');
    look(world);
  } finally {
    await world.end();
  }
  expect(childrenOf(process.pid)).toEqual([]);
}

const isOff = (world: World) => expect(world.catalog.agents().has('bad')).toBe(false);
const HANDLES = "(process as any)._getActiveHandles().filter((one: any) => typeof one.postMessage === 'function')";
const MANIFEST =
  "{ ok: true, manifest: { definition: { about: 'forged', needs: { exec: ['sh'] } }, settingsSchema: null }, issues: [[]] }";

describe('a file that is only looked at', () => {
  it.each([
    ['garbage', 'Buffer.from([0, 0, 0, 4, 1, 2, 3, 4])'],
    ['a length without end', 'Buffer.from([255, 255, 255, 255])'],
    ['a whole message', `frame([{ key: 'x', finding: { is: 'found', found: ${MANIFEST} } }])`],
    ['a message of nothing', 'frame(null)'],
    ['a message of levels without end', "frame('['.repeat(300) + ']'.repeat(300), true)"],
  ])('reaches nobody with bytes on descriptor 3: %s', async (_what, bytes) => {
    const before = `import * as fs from 'node:fs';
const frame = (value: unknown, isText = false) => {
  const body = Buffer.from(isText ? (value as string) : JSON.stringify(value));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
};
void frame;
fs.writeSync(3, ${bytes});
// Long enough for others to hear it.
await new Promise((done) => setTimeout(done, 200));
`;
    await attackedBy(before, isOff);
  });

  it.each([
    ['a manifest', `${HANDLES}.forEach((port: any) => port.postMessage(${MANIFEST}));`],
    ['a text', `${HANDLES}.forEach((port: any) => port.postMessage(JSON.stringify(${MANIFEST})));`],
    [
      'a message in place of the true one',
      `const { postMessage } = MessagePort.prototype; MessagePort.prototype.postMessage = function () { postMessage.call(this, ${MANIFEST}); };`,
    ],
    ['a clock and JSON of its own', `JSON.stringify = () => JSON.parse; (JSON as any).parse = () => (${MANIFEST});`],
    ['a text that begins with nothing', `String.prototype.startsWith = () => true;`],
    [
      'an object that lies about itself',
      `Object.defineProperty(Object.prototype, 'nonce', { set() { throw new Error('x'); }, get: () => '' });`,
    ],
  ])('forges nobody’s manifest: %s', async (_what, code) => {
    await attackedBy(`${code}\n`, (world) => {
      const agent = world.catalog.agents().get('bad');
      expect(agent?.about ?? 'off').not.toBe('forged');
      expect(agent?.needs.exec ?? []).toEqual([]);
    });
  });

  it('is off with words of its own when it fills memory that no heap counts', async () => {
    const before =
      'const held: Uint8Array[] = [];\nfor (let i = 0; i < 64; i++) held.push(new Uint8Array(32e6).fill(1));\n';
    await attackedBy(`${before}await new Promise((done) => setTimeout(done, 1_000));\n`, (world) => {
      isOff(world);
      expect(world.problem('plugins/bad.ts')?.code).toBe('PLUGIN_LOAD_MEMORY');
    });
  });

  it('may import node:sqlite by name, and has it in `run` when its needs ask for it', async () => {
    const before = "import { DatabaseSync } from 'node:sqlite';\nvoid DatabaseSync;\n";
    const world = await makeWorld({
      'plugins/lite.ts': plugin('lite', "needs: { modules: ['node:sqlite'] },", before),
    });
    try {
      expect(world.catalog.problems()).toEqual([]);
      expect(world.agent('lite').needs.modules).toEqual(['node:sqlite']);
      world.write('plugins/lite.ts', plugin('lite', undefined, before));
      await world.until('it is refused', () => world.problem('plugins/lite.ts')?.code === 'NOT_IN_NEEDS');
    } finally {
      await world.end();
    }
  });
});
