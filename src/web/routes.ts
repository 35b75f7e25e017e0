import type { Route } from './route.ts';

/** Every route without HTML. */
export const ROUTES: readonly Route[] = [];
