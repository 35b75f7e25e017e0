import { BOUNDS } from '../kernel/bounds.ts';
import { Fault, type PlainFault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import { PING_NAME } from '../kernel/ping-name.ts';
import { readLength } from '../kernel/units.ts';
import { HEALTH_REASONS, type HealthCode, type HealthProbe } from '../operations/health-reasons.ts';
import type { HealthView } from '../operations/results/health.ts';
import { PROMETHEUS_TYPE, prometheusText } from './prometheus.ts';
import type { Route, RouteAnswer, RouteCall } from './route.ts';

/** A host that has not answered by then is frozen, as far as a probe can tell. */
const PROBED_WITHIN_MS = 900;
const GATHERED_WITHIN_MS = 4_000;

type Reason = Pick<HealthView['reasons'][number], 'code' | 'who'>;

/**
 * The probes: 200 or 503, and JSON. Probes need no session, so a reason has its code and its name with the sentence of
 * its row, and not the words of an error, which `daruma health` shows. A probe that comes through a server in front,
 * where the world may ask, gets the state alone.
 */
export const HEALTH_ROUTES: readonly Route[] = [
  probe('livez'),
  probe('readyz'),
  probe('healthz'),
  metrics(),
  ping(),
  {
    method: 'GET',
    path: '/ping/:name',
    answer: async () => ({ status: 405, body: 'a ping is a POST: what is read writes nothing\n' }),
  },
];

function probe(name: HealthProbe): Route {
  return {
    method: 'GET',
    path: `/${name}`,
    async answer(call) {
      const { state, reasons } = await healthOf(call);
      const own = reasons.filter(({ code }) => RANKS[HEALTH_REASONS[code].probe] <= RANKS[name]);
      const isRed = own.length > 0;
      const seen = name === 'healthz' ? state : isRed ? 'down' : 'ok';
      const shown = own.map(({ code, who }) => ({ code, who, text: HEALTH_REASONS[code].about }));
      return { status: isRed ? 503 : 200, body: call.isPublic ? { state: seen } : { state: seen, reasons: shown } };
    },
  };
}

/** A red probe turns the probes after it red, too. */
const RANKS: Readonly<Record<HealthProbe, number>> = { livez: 0, readyz: 1, healthz: 2 };

async function healthOf({ askHost }: RouteCall): Promise<{ state: HealthView['state']; reasons: Reason[] }> {
  try {
    return await askHost('health', {}, PROBED_WITHIN_MS);
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    const code: HealthCode = thrown.plain.code === 'HOST_SILENT' ? 'HOST_SILENT' : 'HOST_DOWN';
    return { state: 'down', reasons: [{ code, who: 'host' }] };
  }
}

function metrics(): Route {
  return {
    method: 'GET',
    path: '/metrics',
    async answer(call): Promise<RouteAnswer> {
      if (call.isPublic)
        return { status: 403, body: 'metrics are shown while there is no web.origin, or with web.metrics: public\n' };
      const up = { metric: 'daruma_up', labels: {} } as const;
      try {
        const { samples } = await call.askHost('metrics', {}, GATHERED_WITHIN_MS);
        return { status: 200, type: PROMETHEUS_TYPE, body: prometheusText([{ ...up, value: 1 }, ...samples]) };
      } catch (thrown) {
        if (!(thrown instanceof Fault)) throw thrown;
        return { status: 200, type: PROMETHEUS_TYPE, body: prometheusText([{ ...up, value: 0 }]) };
      }
    },
  };
}

/** A sign of life of a program outside: `POST /ping/nas?within=25h`, with the token of pings. */
function ping(): Route {
  return {
    method: 'POST',
    path: '/ping/:name',
    async answer({ params: { name }, query, bearer, ping: send }) {
      if (!PING_NAME.test(name!)) return refusal(400, { code: 'PING_INVALID', message: 'that is no name for pings' });
      const within = query.get('within');
      const withinMs = within === null ? null : readLength(within, BOUNDS.timer);
      if (typeof withinMs === 'string') return refusal(400, { code: 'PING_INVALID', message: `within ${withinMs}` });
      try {
        return { status: 200, body: await send(name!, bearer?.slice(0, 200) ?? '', withinMs) };
      } catch (thrown) {
        if (!(thrown instanceof Fault)) throw thrown;
        return refusal(STATUS[thrown.plain.code] ?? 503, thrown.plain);
      }
    },
  };
}

const STATUS: Readonly<Record<string, number>> = { PING_TOKEN_WRONG: 401, PING_INVALID: 400, PINGS_FULL: 429 };

function refusal(status: number, { code, message, next }: PlainFault): RouteAnswer {
  return { status, body: { error: { code, message, ...given({ next }) } } };
}
