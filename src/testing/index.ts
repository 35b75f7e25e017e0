/** The exports of `daruma/testing`, for tests of plugins. */
import { close } from './kits.ts';

export type { AskedModel, ModelReply } from '../sandbox/models.ts';
export { close } from './kits.ts';
export type { Counted, Effect, Http, Ran, Recorded, RunOptions, Sent } from './ports.ts';
export { runPlugin } from './run-plugin.ts';

// Vitest with globals, and runners like it: nothing is left when the file is done. If they are not closed, idle kits end soon.
(globalThis as { afterAll?(call: () => Promise<void>): void }).afterAll?.(close);
