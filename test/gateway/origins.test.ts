import { beforeEach, describe, expect, it } from 'vitest';
import { createOrigins } from '../../src/gateway/origins/origins.ts';
import type { Origins } from '../../src/gateway/origins/ports.ts';
import { ORIGIN_DEFAULTS, type OriginSettings } from '../../src/gateway/origins/terms.ts';
import type { Log } from '../../src/kernel/log.ts';
import type { Admission, CallEnd } from '../../src/kernel/origin.ts';
import { Clock, T0 } from '../healing/world.ts';

const API = 'https://api.example';
const MIRROR = 'https://mirror.example';
const OTHER = 'https://other.example';
const BAD: CallEnd = { is: 'bad', ms: 5, failure: { what: '503 Service Unavailable', status: 503 } };
const GOOD: CallEnd = { is: 'good', ms: 40 };
const FIRST_PAUSE = ORIGIN_DEFAULTS.pause.first;

let clock: Clock;
let origins: Origins;
let lines: string[];
let changes: number;
let said: OriginSettings;

function build(settings: OriginSettings = {}) {
  clock = new Clock();
  lines = [];
  changes = 0;
  said = settings;
  const keep = (message: string) => void lines.push(message);
  const log: Log = { debug() {}, info: keep, warn: keep, error: keep };
  origins = createOrigins({ time: clock, log, settings: () => said, changed: () => void changes++ });
}
beforeEach(() => build());

interface Who {
  job?: string;
  agent?: string;
  net?: string[];
  alone?: boolean;
  origin?: string;
}
const everybody = () => true;

function ask({ job = 'job-1', agent = 'a', net, alone = false, origin = API }: Who = {}): Admission {
  const mayReach = net ? (other: string) => net.includes(other) : everybody;
  return origins.admit({ job, attempt: 1, agent, origin, timeoutMs: 55_000, alone, mayReach });
}

/** One call from its beginning to its end. */
function call(end: CallEnd, who: Who = {}) {
  const admission = ask(who);
  if (admission.is === 'down') return admission.down;
  const { job = 'job-1', origin = API } = who;
  return origins.callEnded({ job, attempt: 1, meant: origin, origin: admission.origin, pass: admission.pass, end });
}

function fall(origin = API) {
  for (let failure = 0; failure < 3; failure++) {
    call(BAD, { origin, job: 'job-0' });
    clock.wall += 400;
  }
}

describe('an origin that fails', () => {
  it('is refused after the third failure in a row, with since when, what was last, and when to come back', () => {
    expect(call(BAD)).toBeNull();
    clock.wall += 400;
    expect(call(BAD)).toBeNull();
    clock.wall += 400;
    // The call with which it goes down is told at once: another try is not worth it.
    const down = call(BAD);
    expect(down).toMatchObject({ origin: API, since: T0 + 800, last: '503 Service Unavailable', barred: [] });
    expect(down!.retryAt).toBe(T0 + 800 + FIRST_PAUSE);
    expect(ask()).toEqual({ is: 'down', down });
    expect(origins.view()).toMatchObject([{ origin: API, is: 'open', calls: 3, failures: 3, refused: 1 }]);
    expect(ask({ origin: OTHER }).is).toBe('go');
  });

  it('lets one call out to see, and everybody when that one is answered', () => {
    fall();
    clock.wall += FIRST_PAUSE;
    const probe = ask({ job: 'probe', agent: 'b' });
    if (probe.is !== 'go') throw new Error('it was not let out');
    expect(ask({ job: 'second' }).is).toBe('down');
    expect(origins.view()[0]).toMatchObject({ is: 'half-open', probeAt: null });
    origins.callEnded({ job: 'probe', attempt: 1, meant: API, origin: API, pass: probe.pass, end: GOOD });
    expect(ask({ job: 'second' }).is).toBe('go');
    expect(origins.recovery(API)).toMatchObject({ origin: API, since: T0 + 800, agent: 'b', refused: 1 });
    expect(lines).toEqual([`${API} is down (503 Service Unavailable): it is not asked for now`, `${API} is back`]);
  });

  it('is probed at growing distances, however many ask', () => {
    fall();
    const probes: number[] = [];
    for (let second = 0; second < 3_600; second++) {
      for (const job of ['x', 'y', 'z']) {
        const admission = ask({ job });
        if (admission.is === 'down') continue;
        probes.push(clock.wall);
        origins.callEnded({ job, attempt: 1, meant: API, origin: API, pass: admission.pass, end: BAD });
      }
      clock.wall += 1_000;
    }
    expect(probes.length).toBeGreaterThan(12);
    expect(probes.length).toBeLessThan(20);
  });

  it('does not hang on a probe whose job ended, and not on one that never says anything', () => {
    fall();
    clock.wall += FIRST_PAUSE;
    ask({ job: 'probe' });
    expect(ask({ job: 'next' }).is).toBe('down');
    origins.ended([{ job: 'probe', attempt: 1 }]);
    expect(ask({ job: 'next' }).is).toBe('go');
    clock.wall += 60_000;
    expect(ask({ job: 'third' }).is).toBe('go');
    // The lost one is heard of after all: it means nothing any more.
    origins.callEnded({ job: 'next', attempt: 1, meant: API, origin: API, pass: 4, end: BAD });
    expect(origins.view()[0]!.is).toBe('half-open');
  });

  it('counts a call that was under way when it went down as refused, so that no attempt is burnt', () => {
    const first = ask({ job: 'slow' });
    fall();
    if (first.is !== 'go') throw new Error('it was not let out');
    const down = origins.callEnded({ job: 'slow', attempt: 1, meant: API, origin: API, pass: first.pass, end: BAD });
    expect(down).toMatchObject({ origin: API });
    expect(origins.heldUp({ job: 'slow', attempt: 1 }, { agent: 'a', mayReach: everybody })).toBeDefined();
  });
});

describe('a job that was refused', () => {
  it('waits until the next probe, spread a little, and not at all when it was refused elsewhere', () => {
    fall();
    ask({ job: 'job-9' });
    const held = { agent: 'a', mayReach: everybody };
    const { until, origin } = origins.heldUp({ job: 'job-9', attempt: 1 }, held)!;
    expect(origin).toBe(API);
    expect(until).toBeGreaterThanOrEqual(T0 + 800 + FIRST_PAUSE);
    expect(until).toBeLessThanOrEqual(T0 + 800 + FIRST_PAUSE + 1_000);
    expect(origins.heldUp({ job: 'job-9', attempt: 2 }, held)).toBeUndefined();
    expect(origins.heldUp({ job: 'job-8', attempt: 1 }, held)).toBeUndefined();
    origins.ended([{ job: 'job-9', attempt: 1 }]);
    expect(origins.heldUp({ job: 'job-9', attempt: 1 }, held)).toBeUndefined();
  });

  it('comes back at once for another of the chain', () => {
    build({ [API]: { instead: [MIRROR] } });
    fall();
    expect(call(BAD, { job: 'post' })).toBeNull();
    const held = origins.heldUp({ job: 'job-0', attempt: 1 }, { agent: 'a', mayReach: everybody });
    expect(held!.until - clock.wall).toBeLessThanOrEqual(1_000);
    const barred = origins.heldUp({ job: 'job-0', attempt: 1 }, { agent: 'a', mayReach: () => false });
    expect(barred!.until - clock.wall).toBeGreaterThan(3_000);
  });
});

describe('a chain', () => {
  beforeEach(() => build({ [API]: { instead: [MIRROR, OTHER] } }));

  it('is asked in order while the first is down, without credentials unless the settings say so', () => {
    expect(ask()).toMatchObject({ is: 'go', origin: API, credentials: true });
    fall();
    expect(ask()).toMatchObject({ is: 'go', origin: MIRROR, credentials: false });
    fall(MIRROR);
    expect(ask()).toMatchObject({ is: 'go', origin: OTHER });
    fall(OTHER);
    expect(ask().is).toBe('down');
    build({ [API]: { instead: [MIRROR], credentials: true } });
    fall();
    expect(ask()).toMatchObject({ origin: MIRROR, credentials: true });
  });

  it('goes on with the first as soon as a probe of it is answered', () => {
    fall();
    clock.wall += FIRST_PAUSE;
    expect(call(GOOD, { job: 'probe' })).toBeNull();
    expect(ask()).toMatchObject({ origin: API });
    expect(origins.recovery(API)).toMatchObject({ agent: 'a' });
  });

  it('uses none that the agent may not reach, and tells it: to the job, and once in the log', () => {
    fall();
    expect(ask({ net: [API, OTHER] })).toMatchObject({ origin: OTHER });
    const refused = ask({ net: [API] });
    expect(refused).toMatchObject({ is: 'down', down: { barred: [MIRROR, OTHER] } });
    ask({ net: [API] });
    expect(lines.filter((line) => line.includes('not in needs.net'))).toEqual([
      `${MIRROR} is not asked instead of ${API}: it is not in needs.net of a`,
      `${OTHER} is not asked instead of ${API}: it is not in needs.net of a`,
    ]);
    expect(origins.outages()[0]!.barred).toEqual([
      { origin: MIRROR, agent: 'a' },
      { origin: OTHER, agent: 'a' },
    ]);
  });

  it('that is written down during an outage helps in that outage', () => {
    build();
    fall();
    expect(ask().is).toBe('down');
    said = { [API]: { instead: [MIRROR] } };
    expect(ask()).toMatchObject({ is: 'go', origin: MIRROR });
  });

  it('is not for a call that would hand a secret on', () => {
    fall();
    expect(ask({ alone: true }).is).toBe('down');
  });
});

describe('what is told', () => {
  it('an outage is told when somebody meets it: a dead link that is come by once is none', () => {
    fall();
    expect(origins.outages()).toEqual([]);
    const before = changes;
    ask({ job: 'job-3', agent: 'b' });
    expect(changes).toBe(before + 1);
    origins.heldUp({ job: 'job-3', attempt: 1 }, { agent: 'b', mayReach: everybody });
    expect(origins.outages()).toMatchObject([
      { origin: API, tries: 0, agents: ['b'], refused: 1, jobs: ['job-3'], failures: [{}, {}, { status: 503 }] },
    ]);
  });

  it('one that is in the settings is told as soon as it falls', () => {
    build({ [API]: {} });
    fall();
    expect(origins.outages()).toHaveLength(1);
  });

  it('a Retry-After is obeyed, within its bound', () => {
    build({ [API]: {} });
    const asked = (retryAfterMs: number): CallEnd => ({
      is: 'bad',
      ms: 5,
      failure: { what: '429 Too Many Requests', status: 429, retryAfterMs },
    });
    for (const _ of [1, 2, 3]) {
      call(asked(120_000));
      clock.wall += 400;
    }
    const { probeAt, since } = origins.view()[0]!;
    expect(probeAt! - since!).toBeGreaterThanOrEqual(120_000);
    expect(probeAt! - since!).toBeLessThanOrEqual(150_000);
    clock.wall = probeAt!;
    call(asked(86_400_000));
    expect(origins.view()[0]!.probeAt! - clock.wall).toBeLessThanOrEqual(1.25 * ORIGIN_DEFAULTS.longestAskedMs);
  });

  it('keeps figures of each origin, and of no more than 500', () => {
    for (let ms = 1; ms <= 100; ms++) call({ is: 'good', ms });
    expect(origins.view()).toMatchObject([{ calls: 100, failures: 0, p50Ms: 50, p95Ms: 95 }]);
    fall(OTHER);
    for (let host = 0; host < 700; host++) {
      clock.wall += 1;
      call(GOOD, { origin: `https://h${host}.example` });
    }
    const all = origins.view();
    expect(all).toHaveLength(500);
    // What is down is not forgotten for what is well.
    expect(all[0]).toMatchObject({ origin: OTHER, is: 'open' });
  });

  it('what was down before a restart is asked by the first call, and told until then', () => {
    origins.suspect(API, T0 - 5_000);
    expect(origins.outages()).toMatchObject([{ origin: API, since: T0 - 5_000, tries: 0 }]);
    call(GOOD, { agent: 'c' });
    expect(origins.recovery(API)).toMatchObject({ since: T0 - 5_000, agent: 'c' });
    expect(origins.outages()).toEqual([]);
  });
});
