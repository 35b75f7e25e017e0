/** A host that is to be killed: one cell with a thread that spins, one with a thread that waits. Tells the cells' process ids. */
import { createWorld, runs } from './world.ts';

const world = await createWorld();
await world.agent('spins', runs('for (;;);'));
await world.agent('waits', runs('await new Promise(() => {});'), { isolation: 'own' });
world.give('spins');
world.give('waits');
await world.until('both to run', () => world.workers.view().workers.filter(({ is }) => is === 'busy').length === 2);
process.send?.(world.cells());
