import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { partOf } from '../../scripts/states/machine.ts';
import { statesPage } from '../../scripts/states.ts';

it('docs/states.md is what the step functions say: npm run states', () => {
  expect(readFileSync(new URL('../../docs/states.md', import.meta.url), 'utf8')).toBe(statesPage());
});

it('a page shows ways, events that change nothing, and where it ends', () => {
  const page = partOf<{ is: 'on' | 'half-off' }, { is: 'press' }>({
    title: 'Lamp',
    file: 'lamp.ts',
    about: 'It goes off once.',
    step: (state) => (state.is === 'on' ? { is: 'half-off' } : 'refused'),
    states: { on: { is: 'on' }, 'half off': { is: 'half-off' } },
    events: { pressed: { is: 'press' } },
  });
  expect(page).toContain('  [*] --> on\n  on --> half_off: press\n  half_off --> [*]\n');
  expect(page).toContain('| pressed | half-off | · |');
});
