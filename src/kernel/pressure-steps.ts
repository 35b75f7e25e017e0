/** Resources that can be short. */
export const PRESSED_RESOURCES = ['memory', 'disk', 'cpu', 'io'] as const;

/**
 * The steps against pressure, mildest first. The rung is the place in this list, from 1. `hold-growth`: no agent gets one more worker
 * beside those that it has · `shrink-idle`: idle workers go · `defer-background`: what is background waits · `pause-catch-up`: slots of
 * an absence wait · `recycle-grower`: the worker that grew most goes between two jobs · `refuse-sends`: new background work is refused.
 */
export const PRESSURE_STEPS = [
  'hold-growth',
  'shrink-idle',
  'defer-background',
  'pause-catch-up',
  'recycle-grower',
  'refuse-sends',
] as const;
