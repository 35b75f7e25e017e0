import { Fault } from '../../kernel/fault.ts';
import { isoOf, isoOrNull } from '../../kernel/instant.ts';
import type { AlertView, OpenAlertsView } from '../../operations/results/alerts.ts';
import { isAnnounced } from '../../telemetry/alerts/decide.ts';
import type { Alert, AlertStore, MaintenanceWindow } from '../../telemetry/alerts/ports.ts';
import type { Post } from '../../telemetry/alerts/text.ts';
import { windowsNow } from '../alerts/gather.ts';
import type { HostContext } from '../host-context.ts';
import type { OpTable } from './handlers.ts';
import { instantOf, listingOf } from './known.ts';

/** A test that is not delivered within this time has failed. */
const TEST_WITHIN_MS = 60_000;
/** Alerts that a status counts. */
const MOST_OPEN = 1_000;

/** The operation that reads alerts, whether the host runs or not. */
export function alertLookup({ store }: { store: Pick<AlertStore, 'alerts'> }): Pick<OpTable, 'alerts'> {
  return {
    async alerts({ agent, since, limit }) {
      const filter = { limit, ...(agent === undefined ? {} : { agent }) };
      const found = await store.alerts(since === undefined ? filter : { ...filter, since: instantOf(since) });
      return found.map(viewAlert);
    },
  };
}

/** Alerts of which people know, and which of them wants a person most. */
export async function openAlerts(store: Pick<AlertStore, 'alerts'>, now: number): Promise<OpenAlertsView> {
  const found = await store.alerts({ since: now, limit: MOST_OPEN });
  const firing = found.filter((alert) => alert.state === 'firing' && alert.quietUntil === null && isAnnounced(alert));
  const rank = ({ severity, since }: Alert) => (severity === 'open' ? 0 : Number.MAX_SAFE_INTEGER / 2) + since;
  const worst = firing.sort((a, b) => rank(a) - rank(b))[0];
  if (!worst) return { firing: 0, worst: null };
  const { id, severity, agent, title, since, next } = worst;
  return { firing: firing.length, worst: { id, severity, agent, title, since: isoOf(since), next } };
}

function viewAlert({
  fingerprint: _,
  parent: __,
  cameOf: ___,
  quietUntil,
  steps,
  since,
  endedAt,
  ...alert
}: Alert): AlertView {
  const announced = steps.filter(({ silent }) => silent === undefined);
  return {
    ...alert,
    done: [...alert.done],
    since: isoOf(since),
    endedAt: isoOrNull(endedAt),
    announcedAt: isoOrNull(announced.at(-1)?.at),
    quiet: quietUntil !== null,
    deliveries: steps.flatMap(({ n, is, deliveries }) =>
      deliveries.map(({ at, endedAt: ended, state, ...one }) => ({
        ...{ step: n, is, ...one, state, at: isoOf(at), endedAt: isoOrNull(ended) },
        tookMs: state === 'delivered' && ended !== null ? Math.max(0, ended - at) : null,
      })),
    ),
  };
}

/** The operations that send tests, and start and end maintenance windows. */
export function alertOps(
  hostContext: HostContext,
): Pick<OpTable, 'alertsTest' | 'maintenance' | 'maintenanceStart' | 'maintenanceEnd'> {
  const { time, store, settings, catalog, events, alerts } = hostContext;

  async function test(channel: string) {
    const begun = time.monotonic();
    const post = testPost(channel);
    const took = () => Math.round(time.monotonic() - begun);
    const job = await alerts.channels.post(channel, `alert-test:${time.now()}`, post);
    const held = alerts.channels.holdOf(channel);
    const ended = held === undefined ? await finished(job) : undefined;
    if (ended?.state === 'done') alerts.channels.proven(channel);
    const ok = ended?.state === 'done';
    const why = ok ? null : (held ?? ended?.error?.message ?? 'it is still on its way');
    return { channel, ok, tookMs: took(), job, why };
  }

  async function finished(job: string) {
    try {
      return await hostContext.jobs.finished(job, AbortSignal.timeout(TEST_WITHIN_MS));
    } catch {
      return undefined;
    }
  }

  function testFile() {
    const begun = time.monotonic();
    const problem = writeTest();
    return {
      channel: 'file',
      ok: problem === null,
      tookMs: Math.round(time.monotonic() - begun),
      job: null,
      why: problem,
    };
  }

  function writeTest(): string | null {
    const key = `[test ${isoOf(time.now())}]`;
    try {
      alerts.write(key, `${testPost('file').title}  ${key}\n    ${testPost('file').text}\n`);
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  }

  return {
    async alertsTest({ channel }) {
      const { open, warning, healed, digest, file } = settings.alerts;
      if (channel !== undefined) listingOf(catalog, channel);
      const named = [...new Set(channel === undefined ? [...open, ...warning, ...healed, ...digest] : [channel])];
      const known = named.filter((one) => catalog.agents().has(one));
      const gone = named.filter((one) => !catalog.agents().has(one));
      const lost = gone.map((one) => ({
        channel: one,
        ok: false,
        tookMs: 0,
        job: null,
        why: 'there is no such agent',
      }));
      const withFile = channel === undefined && file !== null ? [testFile()] : [];
      if (named.length === 0 && withFile.length === 0) throw noChannel();
      return [...withFile, ...lost, ...(await Promise.all(known.map(test)))];
    },
    maintenance: async () => (await windowsNow(hostContext)).map(viewWindow),
    async maintenanceStart({ agent = null, forMs, note = null }) {
      if (agent !== null) listingOf(catalog, agent);
      const window = await store.startWindow({ agent, forMs, note });
      const message = `a maintenance window of ${agent ?? 'everything'} holds until ${isoOf(window.until)}`;
      events.record('info', { kind: 'maintenance.started', agent, message, data: { window: window.id, note } });
      alerts.service.soon();
      return viewWindow(window);
    },
    async maintenanceEnd({ id }) {
      const ended = await store.endWindows(id ?? null);
      if (ended.length === 0) throw noWindow(id);
      for (const { id: window, agent } of ended) {
        const message = `the maintenance window of ${agent ?? 'everything'} was ended`;
        events.record('info', { kind: 'maintenance.ended', agent, message, data: { window } });
      }
      alerts.service.soon();
      return ended.map(viewWindow);
    },
  };
}

function viewWindow({ from, until, ...window }: MaintenanceWindow) {
  return { ...window, from: isoOf(from), until: isoOf(until) };
}

function testPost(channel: string): Post {
  const text = `This is a test of ${channel}, which somebody asked for: daruma alerts test. Nothing is wrong.`;
  return { title: '· a test of alerts', text, markdown: text, level: 'info' };
}

function noChannel(): Fault {
  return new Fault({
    code: 'CHANNEL_NONE',
    message: 'no channel is set: alerts go to the terminal of the host alone',
    next: 'alerts: { open: [post-file] } in config/daruma.yaml',
  });
}

function noWindow(id: string | undefined): Fault {
  return new Fault({
    code: 'WINDOW_UNKNOWN',
    message: id === undefined ? 'no maintenance window holds now' : `no maintenance window ${id} holds now`,
    next: 'daruma maintenance; those of alerts.windows end by themselves',
  });
}
