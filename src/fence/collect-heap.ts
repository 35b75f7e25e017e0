import { quietly } from './quietly.ts';

/** Taken before a plugin may put something else in its place. */
const { getBuiltinModule } = process;

/**
 * Collects the heap of this thread down to what is in use, compiled code that nobody has run lately included, and gives its
 * pages back: about 10 ms. V8 does so before it counts objects, here those of a class that has none. V8's collector by name
 * (`--expose-gc`) would be in the globals of plugins, and with that flag V8 refuses the compiled code that Node brings along:
 * each start would take half again as long.
 */
export function collectHeap(): void {
  quietly(() => getBuiltinModule('node:v8').queryObjects(class {}, { format: 'count' }));
}
