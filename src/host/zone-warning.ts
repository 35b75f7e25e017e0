import type { ValueSource } from '../catalog/ports.ts';
import type { PlainFault } from '../kernel/fault.ts';
import { machineZone } from '../kernel/time.ts';

/** What people are told while schedules follow a zone of the machine that is not understood: config/daruma.yaml names none. */
export function zoneWarning(origins: readonly ValueSource[]): PlainFault[] {
  const { problem } = machineZone();
  const isSaid = origins.some(({ path, origin }) => path === 'timezone' && origin !== 'default');
  return problem && !isSaid ? [problem] : [];
}
