import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { resolveSet } from '../../src/catalog/resolve/set.ts';
import { makeWorld, plugin, type World } from './world.ts';

vi.mock('../../src/catalog/resolve/set.ts', { spy: true });

let world: World;
const about = () => world.catalog.agents().get('one')?.about;
const decisions = () => vi.mocked(resolveSet).mock.calls.length;

beforeAll(async () => {
  world = await makeWorld({ 'plugins/one.ts': plugin('first'), 'plugins/other.ts': plugin('other') });
});
beforeEach(() => void vi.mocked(resolveSet).mockClear());
afterAll(() => world.end());

/** Resolves when nothing of the last change is left to do: whoever asks for a full scan decides once more. */
async function settled() {
  const before = decisions();
  await world.catalog.rescan();
  expect(decisions()).toBe(before + 1);
  return before;
}

it.each([
  ['a save', () => world.write('plugins/one.ts', plugin('second')), () => about() === 'second'],
  [
    'a save with a fault',
    () => world.write('plugins/one.ts', 'export default 1 +'),
    () => world.problem('plugins/one.ts'),
  ],
  ['an agent file', () => world.write('agents/two.yaml', 'plugin: other\n'), () => world.catalog.agents().has('two')],
  ['a removal', () => world.remove('plugins/one.ts'), () => about() === undefined],
] as const)('%s is decided about once', async (_, change, isThere) => {
  change();
  await world.until('it is there', isThere);
  expect(await settled()).toBe(1);
});
