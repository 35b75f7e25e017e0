import { Fault } from '../kernel/fault.ts';
import { HEALTH_REASONS, type HealthCode, type HealthProbe } from '../operations/health-reasons.ts';
import type { HealthView } from '../operations/results/health.ts';
import { PROMETHEUS_TYPE, prometheusText } from './prometheus.ts';
import type { Route, RouteAnswer, RouteCall } from './route.ts';

/** A host that has not answered by then is frozen, as far as a probe can tell. */
const PROBED_WITHIN_MS = 900;
const GATHERED_WITHIN_MS = 4_000;

type Reason = Pick<HealthView['reasons'][number], 'code' | 'who'>;

/**
 * The probes: 200 or 503, and JSON. Nobody signs in for them, so a reason has its code and its name with the sentence of its row, and not the
 * words of an error, which `daruma health` shows. Through a server in front, where the world may ask, there is the state alone.
 */
export const HEALTH_ROUTES: readonly Route[] = [probe('livez'), probe('readyz'), probe('healthz'), metrics()];

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

/** A red probe turns those after it red, too. */
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
