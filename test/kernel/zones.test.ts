import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { timezoneField } from '../../src/catalog/files/fields.ts';
import { timetableOf } from '../../src/kernel/cron/timetable.ts';
import { understandZone, zoneNote, zoneProblem } from '../../src/kernel/cron/zone-name.ts';

/** Names that have stopped schedules, and what stands beside them. */
const REFUSED: [string, string | undefined][] = [
  ['IST', 'Asia/Kolkata'],
  ['PST', 'America/Los_Angeles'],
  ['CST', 'America/Chicago'],
  ['JST', 'Asia/Tokyo'],
  ['BST', 'Europe/London'],
  ['CEST', 'Europe/Berlin'],
  ['UTC+3', 'Etc/GMT-3'],
  ['GMT+2', 'Etc/GMT-2'],
  ['UTC-08:00', 'Etc/GMT+8'],
  ['+02:00', 'Etc/GMT-2'],
  ['-0500', 'Etc/GMT+5'],
  ['+05:30', undefined],
  ['+00:00', 'UTC'],
  ['CET-1CEST', 'Europe/Berlin'],
  ['CET-1CEST,M3.5.0,M10.5.0/3', 'Europe/Berlin'],
  ['EST5EDT,M3.2.0,M11.1.0', 'America/New_York'],
  ['<+03>-3', undefined],
  ['Europe/Berln', 'Europe/Berlin'],
  ['Berlin', 'Europe/Berlin'],
  ['New York', 'America/New_York'],
  [' Europe/Berlin ', 'Europe/Berlin'],
  ['', undefined],
  ['constructor', undefined],
  ['Mars/Olympus_Mons', undefined],
];
const TAKEN = [
  'UTC',
  'GMT',
  'Etc/UTC',
  'Etc/GMT+3',
  'Europe/Berlin',
  'europe/berlin',
  'Asia/Calcutta',
  'Japan',
  'CET',
  'EST5EDT',
  'EST',
  'HST',
];

describe('whether a zone exists', () => {
  it('EST is one, and has no summer time: that is worth a note', () => {
    expect(zoneNote('est')).toBe('est has no summer time; the clocks of America/New_York have');
    expect(['HST', 'CET', 'America/New_York'].map(zoneNote)).toEqual([undefined, undefined, undefined]);
  });

  it.each(REFUSED)('"%s" is refused, and %s was probably meant', (name, meant) => {
    const problem = zoneProblem(name);
    expect(problem?.meant).toBe(meant);
    expect(problem?.next).toBeTruthy();
    if (meant !== undefined) expect(zoneProblem(meant)).toBeUndefined();
  });

  it.each(TAKEN)('%s is one', (name) => expect(zoneProblem(name)).toBeUndefined());

  it('files and schedules are of one mind about any text', () => {
    const letters = fc.constantFrom(...'ABCDESTUZabcest/+-:_ 0123456789');
    const any = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.array(letters, { maxLength: 8 }).map((list) => list.join('')),
      fc.constantFrom(...Intl.supportedValuesOf('timeZone'), ...REFUSED.map(([name]) => name), ...TAKEN),
    );
    fc.assert(
      fc.property(any, (name) => {
        const isGood = timezoneField.safeParse(name).success;
        const kept = () => timetableOf({ expression: '0 3 * * *', timezone: name }).next(0);
        if (isGood) expect(kept()).toBeGreaterThan(0);
        else expect(kept).toThrow(expect.objectContaining({ code: 'TIMEZONE_UNKNOWN' }));
      }),
      { numRuns: 200 },
    );
  });

  it('every zone that this machine lists is one', () => {
    expect(Intl.supportedValuesOf('timeZone').filter((name) => zoneProblem(name))).toEqual([]);
  });
});

test.each(['GMT', 'europe/berlin', ':Europe/Berlin', 'EST', 'CET-1CEST', 'GMT+2', '', 'Europe/Nowhere', 'BST'])(
  'times are written in the zone of the machine: TZ=%s',
  (TZ) => {
    const file = new URL('../../src/kernel/time.ts', import.meta.url);
    const hours = `const hoursIn = (zone) => [0, 15_000_000_000].map((ms) => Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone).offset);`;
    const code = `import { machineZone, zoneToWrite } from '${file}'; ${hours} console.log(JSON.stringify([hoursIn(zoneToWrite()), hoursIn(machineZone().zone)]))`;
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', code], { env: { TZ }, encoding: 'utf8' });
    const [written, kept] = JSON.parse(said);
    expect(written).toEqual(kept);
  },
);

describe('what the machine says', () => {
  const understood = (tz: string | undefined, node?: string, withoutTz?: string) =>
    understandZone({ tz, node: () => node, withoutTz: () => withoutTz });

  it.each([
    [undefined, 'Europe/Berlin', 'Europe/Berlin'],
    ['Europe/Berlin', 'Europe/Berlin', 'Europe/Berlin'],
    ['europe/berlin', undefined, 'Europe/Berlin'],
    [':Europe/Berlin', 'Europe/Berlin', 'Europe/Berlin'],
    ['/usr/share/zoneinfo/Asia/Tokyo', undefined, 'Asia/Tokyo'],
    ['posix/Asia/Tokyo', undefined, 'Asia/Tokyo'],
    ['EST5EDT', 'America/New_York', 'EST5EDT'],
    ['', 'Etc/Unknown', 'UTC'],
    ['UTC0', undefined, 'UTC'],
  ])('TZ=%s, in which Node sees %s, is %s without a word', (tz, node, zone) => {
    expect(understood(tz, node)).toEqual({ zone });
  });

  it('TZ=:/etc/localtime is what the machine says without TZ', () => {
    expect(understood(':/etc/localtime', undefined, 'Asia/Tokyo')).toEqual({ zone: 'Asia/Tokyo' });
  });

  it.each([
    // Two hours behind UTC, whatever Node says of it.
    ['GMT+2', '+02:00', 'TZ=GMT+2 is an offset'],
    ['UTC+3', undefined, 'TZ=UTC+3 is an offset'],
    ['CET-1CEST,M3.5.0,M10.5.0/3', 'UTC', 'did you mean Europe/Berlin?'],
    ['Europe/Berln', undefined, 'did you mean Europe/Berlin?'],
    ['+02:00', 'UTC', 'is an offset'],
    [undefined, undefined, 'the machine’s time zone'.replace('’', "'")],
    [undefined, 'Etc/Unknown', 'is not understood'],
  ])('TZ=%s, in which Node sees %s, is UTC, and told', (tz, node, words) => {
    const { zone, problem } = understood(tz, node);
    expect(zone).toBe('UTC');
    expect(problem).toMatchObject({ code: 'MACHINE_ZONE' });
    expect(problem!.message).toContain(words);
    expect(problem!.message).toContain('are kept in UTC');
    expect(problem!.next).toBeTruthy();
  });

  it('an abbreviation stays what Node and all code in it make of it, and is told', () => {
    const { zone, problem } = understood('IST', 'Asia/Calcutta');
    expect(zone).toBe('Asia/Calcutta');
    expect(problem?.message).toContain('TZ=IST is an abbreviation');
  });

  it('whatever it says, the answer is a zone that exists', () => {
    const maybe = fc.option(fc.oneof(fc.string(), fc.constantFrom(...REFUSED.map(([name]) => name), ...TAKEN)), {
      nil: undefined,
    });
    fc.assert(
      fc.property(maybe, maybe, maybe, (tz, node, without) => {
        expect(zoneProblem(understood(tz, node, without).zone)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });
});
