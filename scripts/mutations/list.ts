import { ofHost } from './host.ts';
import { ofJobs } from './jobs.ts';
import type { Mutation } from './mutation.ts';
import { ofPlugins } from './plugins.ts';
import { ofStore } from './store.ts';
import { ofWorkers } from './workers.ts';

/** Each guard that `npm run mutate` breaks by hand: what Stryker does not do, for it mutates pure files only. */
export const MUTATIONS: readonly Mutation[] = [...ofJobs, ...ofStore, ...ofWorkers, ...ofPlugins, ...ofHost];
