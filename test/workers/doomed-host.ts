/** A host that is to be killed: one cell with a thread that spins, one with a thread that waits. Tells the process ids of its cells, of those that are in use, and its folder. */
import { createWorld, runs } from './world.ts';

const world = await createWorld();
await world.agent('spins', runs(`log.info('begun'); for (;;);`));
await world.agent('waits', runs(`log.info('begun'); await new Promise(() => {});`), { isolation: 'own' });
world.dispatch('spins');
world.dispatch('waits');
await Promise.all([world.begun('spins'), world.begun('waits')]);
await world.until('a spare cell', () => world.cells().length === 3);
const fenced = world.workers.view().cells.flatMap(({ is, pid }) => (is === 'spare' ? [] : [pid]));
process.send?.({ pids: world.cells(), fenced, folder: world.folder });
