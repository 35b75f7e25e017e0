import type { PlainFault } from '../fault.ts';
import { type ZoneProblem, zoneProblem } from './zone-name.ts';

/** The zone of this machine, as far as it can be understood. */
export interface MachineZone {
  /** The name of a zone that exists. */
  zone: string;
  /** The machine says something else, or something that nobody understands. */
  problem?: PlainFault;
}

/** What the machine says of its zone. */
interface SaidOfZone {
  /** The environment variable TZ; undefined: it is not set. */
  tz: string | undefined;
  /** What Node makes of TZ or, without it, of /etc/localtime; undefined for a zone that it does not know. */
  node: string | undefined;
  /** What Node makes of the machine alone, as if TZ were not set. */
  withoutTz(): string | undefined;
}

const NEXT = 'set TZ, or `timezone` in config/daruma.yaml, to an IANA name such as Europe/Berlin';

/**
 * Understands it. Node alone is not to be believed: it says `+02:00` for TZ=GMT+2, which is two hours *behind*, UTC for the
 * POSIX form CET-1CEST, and nothing at all for a name that it does not know. What nobody understands is UTC, with a problem
 * that says so.
 */
export function understandZone({ tz, node, withoutTz }: SaidOfZone): MachineZone {
  if (tz === undefined) return ofMachine(node);
  const name = tz
    .trim()
    .replace(/^:/, '')
    .replace(/^\/.*\/zoneinfo\/(?:posix\/|right\/)?/, '')
    .replace(/^(?:posix|right)\//, '');
  // An empty TZ is UTC for every program that follows POSIX.
  if (name === '' || /^(?:UTC|GMT)-?0$/i.test(name)) return { zone: 'UTC' };
  if (/^(?:\/etc\/)?localtime$/.test(name)) return ofMachine(withoutTz());
  const wrong = zoneProblem(name);
  if (!wrong) return { zone: new Temporal.ZonedDateTime(0n, name).timeZoneId };
  // Node reads an abbreviation as a place, and all code in this process with it: it is kept, and told.
  if (/^[A-Za-z]{2,5}$/.test(name) && node !== undefined && node !== 'UTC' && !zoneProblem(node)) {
    const message = `TZ=${tz} ${inBrackets(wrong)}: Node takes it for ${node}, and so do schedules that name no zone of their own`;
    return { zone: node, problem: { code: 'MACHINE_ZONE', message, next: posixNext(name, wrong.next) } };
  }
  const message = `TZ=${tz} ${inBrackets(wrong)}: schedules that name no zone of their own are kept in UTC`;
  return { zone: 'UTC', problem: { code: 'MACHINE_ZONE', message, next: posixNext(name, wrong.next) } };
}

/** `is no time zone (did you mean Europe/Berlin?)`: in the middle of a sentence. */
function inBrackets({ is }: ZoneProblem): string {
  return is.replace(/, (did you mean .*\?)$/, ' ($1)');
}

function ofMachine(said: string | undefined): MachineZone {
  if (said !== undefined && !zoneProblem(said)) return { zone: said };
  const name = said === undefined || said === 'Etc/Unknown' ? '' : ` ("${said}")`;
  const message = `the machine's time zone${name} is not understood: schedules that name no zone of their own are kept in UTC`;
  return { zone: 'UTC', problem: { code: 'MACHINE_ZONE', message, next: NEXT } };
}

/** In TZ, signs are those of POSIX: UTC+3 is three hours behind. */
function posixNext(name: string, next: string): string {
  const offset = /^(?:UTC|GMT)([+-])(\d{1,2})$/i.exec(name);
  if (!offset || Number(offset[2]) > 12) return `${next}; ${NEXT}`;
  const [sign, hours] = [offset[1]!, Number(offset[2])];
  const way = sign === '+' ? 'behind' : 'ahead of';
  return `TZ=Etc/GMT${sign}${hours} is what POSIX means by it, ${hours}h ${way} UTC; else ${NEXT}`;
}
