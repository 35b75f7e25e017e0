import { HEALTH_ROUTES } from './health-routes.ts';
import { hookRoutes } from './hook-routes.ts';
import type { Route } from './route.ts';

/** Every route without HTML. */
export const ROUTES: readonly Route[] = [...HEALTH_ROUTES, ...hookRoutes()];
