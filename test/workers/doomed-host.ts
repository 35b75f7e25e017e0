/** A host that is to be killed: one cell with a thread that spins, one with a thread that waits. Tells the cells' process ids and its folder. */
import { createWorld, runs } from './world.ts';

const world = await createWorld();
await world.agent('spins', runs(`log.info('begun'); for (;;);`));
await world.agent('waits', runs(`log.info('begun'); await new Promise(() => {});`), { isolation: 'own' });
world.give('spins');
world.give('waits');
await Promise.all([world.begun('spins'), world.begun('waits')]);
await world.until('a spare cell', () => world.cells().length === 3);
process.send?.({ pids: world.cells(), folder: world.folder });
