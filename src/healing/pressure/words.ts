import { type PressureStep, rungOf } from './rungs.ts';
import type { PressedResource } from './strain.ts';

const SHORT: Record<PressedResource, string> = {
  memory: 'short of memory',
  disk: 'short of disk',
  cpu: 'short of its processor quota',
  io: 'waiting for its disk',
};

const STEPPED: Record<PressureStep, string> = {
  'hold-growth': 'no agent gets more workers',
  'shrink-idle': 'idle workers go',
  'defer-background': 'background work waits',
  'pause-catch-up': 'slots of an absence wait',
  'recycle-grower': 'the worker that grew most goes after the job that it holds',
  'refuse-sends': 'new background work is refused',
};

const EASED: Record<PressureStep, string> = {
  'hold-growth': 'agents may have more workers again',
  'shrink-idle': 'idle workers stay again',
  'defer-background': 'background work goes on',
  'pause-catch-up': 'slots of an absence are caught up',
  'recycle-grower': 'no worker has to go any more',
  'refuse-sends': 'new background work is taken again',
};

/** A step for people, as `daruma status` has it: `background work waits`. */
export const stepWords = (step: PressureStep): string => STEPPED[step];

/** `the machine is short of memory (…): background work waits (rung 3 of 6)` */
export function steppedWords(resource: PressedResource, step: PressureStep, seen: string): string {
  return `the machine is ${SHORT[resource]} (${seen}): ${STEPPED[step]} (rung ${rungOf(step)} of 6)`;
}

/** `there is room again (…): background work goes on (rung 3 of 6 is lifted)` */
export function easedWords(resource: PressedResource, step: PressureStep, seen: string): string {
  const what = resource === 'memory' || resource === 'disk' ? 'there is room again' : 'the machine keeps up again';
  return `${what} (${seen}): ${EASED[step]} (rung ${rungOf(step)} of 6 is lifted)`;
}
