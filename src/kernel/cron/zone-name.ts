import { Fault, type PlainFault } from '../fault.ts';
import { given } from '../given.ts';
import { suggest } from '../suggest.ts';

/**
 * Abbreviations, and the place whose clocks are most often meant by them. An abbreviation names no zone: IST alone is
 * the time of India, Ireland and Israel.
 */
const MEANT: ReadonlyMap<string, string> = new Map([
  ['ACDT', 'Australia/Adelaide'],
  ['ACST', 'Australia/Adelaide'],
  ['ADT', 'America/Halifax'],
  ['AEDT', 'Australia/Sydney'],
  ['AEST', 'Australia/Sydney'],
  ['AET', 'Australia/Sydney'],
  ['AKDT', 'America/Anchorage'],
  ['AKST', 'America/Anchorage'],
  ['AST', 'America/Halifax'],
  ['AWST', 'Australia/Perth'],
  ['BRT', 'America/Sao_Paulo'],
  ['BST', 'Europe/London'],
  ['CAT', 'Africa/Maputo'],
  ['CDT', 'America/Chicago'],
  ['CEST', 'Europe/Berlin'],
  ['CLT', 'America/Santiago'],
  ['COT', 'America/Bogota'],
  ['CST', 'America/Chicago'],
  ['CT', 'America/Chicago'],
  ['EAT', 'Africa/Nairobi'],
  ['EDT', 'America/New_York'],
  ['EEST', 'Europe/Athens'],
  ['ET', 'America/New_York'],
  ['GST', 'Asia/Dubai'],
  ['HKT', 'Asia/Hong_Kong'],
  ['ICT', 'Asia/Bangkok'],
  ['IDT', 'Asia/Jerusalem'],
  ['IST', 'Asia/Kolkata'],
  ['JST', 'Asia/Tokyo'],
  ['KST', 'Asia/Seoul'],
  ['MDT', 'America/Denver'],
  ['MSK', 'Europe/Moscow'],
  ['MT', 'America/Denver'],
  ['NDT', 'America/St_Johns'],
  ['NST', 'America/St_Johns'],
  ['NZDT', 'Pacific/Auckland'],
  ['NZST', 'Pacific/Auckland'],
  ['PDT', 'America/Los_Angeles'],
  ['PHT', 'Asia/Manila'],
  ['PKT', 'Asia/Karachi'],
  ['PST', 'America/Los_Angeles'],
  ['PT', 'America/Los_Angeles'],
  ['SAST', 'Africa/Johannesburg'],
  ['SGT', 'Asia/Singapore'],
  ['TRT', 'Europe/Istanbul'],
  ['WAT', 'Africa/Lagos'],
  ['WEST', 'Europe/Lisbon'],
  ['WIB', 'Asia/Jakarta'],
  ['Z', 'UTC'],
]);

/** Names of IANA that start a POSIX form, with the place that is meant by it. */
const STARTS: ReadonlyMap<string, string> = new Map([
  ['CET', 'Europe/Berlin'],
  ['EET', 'Europe/Athens'],
  ['EST', 'America/New_York'],
  ['HST', 'Pacific/Honolulu'],
  ['MET', 'Europe/Berlin'],
  ['MST', 'America/Denver'],
  ['WET', 'Europe/Lisbon'],
]);

/** Names of IANA for zones without summer time, and the place whose clocks are most often meant by them. */
const NO_SUMMER: ReadonlyMap<string, string> = new Map([
  ['EST', 'America/New_York'],
  ['MST', 'America/Denver'],
]);
/** IANA's own names for an old way to write UTC: they look like an offset and are none. */
const UTC_NAMES = new Set(['GMT0', 'GMT+0', 'GMT-0']);
const OFFSET = /^(?:UTC|GMT|UT)?\s*([+\-−])(\d{1,2})(?::?(\d{2}))?$/i;
const POSIX = /^(?:([A-Za-z]{3,})|<[A-Za-z0-9+-]+>)[+-]?\d/;

/** Why a name is no time zone. */
interface ZoneProblem {
  /** A part of a sentence: `is no time zone, did you mean Europe/Berlin?` */
  is: string;
  next: string;
  /** The zone that was probably meant. */
  meant?: string;
}

/**
 * The problem of a time zone that does not exist, for files, settings of the host, schedules and the machine alike;
 * undefined for a zone that exists. A name of IANA does, in any case of its letters; an abbreviation (IST), an offset
 * (+02:00, UTC+3) and a POSIX form (CET-1CEST) do not.
 */
export function zoneProblem(name: string): ZoneProblem | undefined {
  const upper = name.trim().toUpperCase();
  const short = MEANT.get(upper);
  if (short !== undefined) {
    return {
      is: `is an abbreviation, not the name of a time zone, did you mean ${short}?`,
      next: shortNext(upper, short),
      meant: short,
    };
  }
  if (!UTC_NAMES.has(upper)) {
    const offset = OFFSET.exec(name.trim());
    if (offset) return offsetProblem(offset);
  }
  if (exists(name)) return undefined;
  const posix = POSIX.exec(name.trim())?.[1]?.toUpperCase();
  const meant = posix === undefined ? near(name) : (MEANT.get(posix) ?? STARTS.get(posix));
  const said = posix === undefined ? 'is no time zone' : 'is the POSIX form of a time zone, not its name';
  return {
    is: meant ? `${said}, did you mean ${meant}?` : said,
    next: meant ? `write ${meant}` : 'use an IANA name such as Europe/Berlin, America/New_York or UTC',
    ...given({ meant }),
  };
}

/** A note on a name that a reader could take for another zone; undefined for most names. */
export function zoneNote(name: string): string | undefined {
  const place = NO_SUMMER.get(name.toUpperCase());
  return place && `${name} has no summer time; the clocks of ${place} have`;
}

/** Throws a {@link Fault} `TIMEZONE_UNKNOWN` unless the zone exists. */
export function checkTimezone(name: string): void {
  const problem = zoneProblem(name);
  if (problem) throw new Fault(zoneFault(name, problem));
}

/** `time zone "IST" is an abbreviation, …`, with what to write instead. */
function zoneFault(name: string, problem: ZoneProblem): PlainFault {
  return { code: 'TIMEZONE_UNKNOWN', message: `time zone "${name}" ${problem.is}`, next: problem.next };
}

function exists(name: string): boolean {
  // An offset is a time zone for Temporal; it has no rules for summer time, so it is none here.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Temporal.ZonedDateTime(0n, name);
    return true;
  } catch {
    return false;
  }
}

function shortNext(name: string, meant: string): string {
  if (name === 'IST') return `write ${meant} (or Europe/Dublin, or Asia/Jerusalem)`;
  if (name === 'CST') return `write ${meant} (or Asia/Shanghai)`;
  return `write ${meant}, or the IANA name of the place that is meant`;
}

function offsetProblem([, sign, hourText, minutes]: RegExpExecArray): ZoneProblem {
  const hours = Number(hourText);
  const isWhole = minutes === undefined || Number(minutes) === 0;
  const said = 'is an offset, not the name of a time zone';
  if (hours === 0 && isWhole) return { is: `${said}, did you mean UTC?`, next: 'write UTC', meant: 'UTC' };
  if (!isWhole || hours > 12) {
    return { is: said, next: 'use the IANA name of a place with that offset, such as Asia/Kolkata for +05:30' };
  }
  // The signs of these names are reversed: Etc/GMT-3 is ahead of UTC.
  const [ahead, behind] = [`Etc/GMT-${hours}`, `Etc/GMT+${hours}`];
  const meant = sign === '+' ? ahead : behind;
  return {
    is: said,
    next: `write the place, such as Europe/Berlin; or ${ahead} for ${hours}h ahead of UTC all year, ${behind} for ${hours}h behind`,
    meant,
  };
}

/** A typing mistake, or a place without its continent. */
function near(name: string): string | undefined {
  const known = Intl.supportedValuesOf('timeZone');
  const wanted = name.trim().replace(/\s+/g, '_').toLowerCase();
  const same = known.find((zone) => zone.toLowerCase() === wanted);
  if (same) return same;
  const place = known.find((zone) => zone.toLowerCase().split('/').at(-1) === wanted);
  return place ?? suggest(name, known);
}

/** The zone of this machine, as far as it can be understood. */
export interface MachineZone {
  /** The name of a zone that exists. */
  zone: string;
  /** The machine names another zone, or an unknown one. */
  problem?: PlainFault;
}

/** The zone as the machine gives it. */
interface SaidOfZone {
  /** The environment variable TZ; undefined: it is not set. */
  tz: string | undefined;
  /** The zone that Node makes of TZ or, without it, of /etc/localtime; undefined for a zone that Node does not know. */
  node(): string | undefined;
  /** The zone that Node makes of the machine alone, as if TZ were not set. */
  withoutTz(): string | undefined;
}

const NEXT = 'set TZ, or `timezone` in config/daruma.yaml, to an IANA name such as Europe/Berlin';

/**
 * Finds the zone that is meant. Node alone is not to be believed: it says `+02:00` for TZ=GMT+2, which is two hours *behind*,
 * UTC for the POSIX form CET-1CEST, and nothing at all for a name that it does not know. An unknown zone becomes UTC, with a
 * problem that says so.
 */
export function understandZone({ tz, node, withoutTz }: SaidOfZone): MachineZone {
  if (tz === undefined) return ofMachine(node());
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
  // Node reads an abbreviation as a place, and all code in this process with it: the zone is kept, with a problem.
  const place = /^[A-Za-z]{2,5}$/.test(name) ? node() : undefined;
  if (place !== undefined && place !== 'UTC' && !zoneProblem(place)) {
    const message = `TZ=${tz} ${inBrackets(wrong)}: Node takes it for ${place}, and so do schedules that name no zone of their own`;
    return { zone: place, problem: { code: 'MACHINE_ZONE', message, next: posixNext(name, wrong.next) } };
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
