import { join } from 'node:path';
import type { HostSettings } from '../../catalog/files/host-settings-table.ts';
import type { AuditView } from '../../control/protocol.ts';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import type { Service } from '../../kernel/service.ts';
import { sha256 } from '../../kernel/sha256.ts';
import type { Time } from '../../kernel/time.ts';
import type { Store } from '../../store/ports.ts';
import type { Events } from '../../telemetry/events.ts';
import type { Journal } from '../../telemetry/journal.ts';
import type { Operations, OpTable } from '../api/handlers.ts';
import { instantOf } from '../api/known.ts';
import { createAssistantTokens } from '../assistants/tokens.ts';
import { ACT_EVENT, type Audit } from '../audit.ts';
import type { HostBus } from '../bus.ts';
import type { HostFacts } from '../facts.ts';
import type { Pings } from '../health/pings.ts';
import type { Hooks } from '../hooks/hooks.ts';
import { webAddressFault } from './address.ts';
import { changedOp, factsOfRooms } from './changes.ts';
import { createSessions } from './sessions.ts';
import { createWebSupervisor } from './supervisor.ts';

/** The page of a host: its process, who has signed in, and what was done by it. */
export interface Web {
  service: Service;
  view(): { url: string; pid: number } | null;
  /** The reason why there is no page although the settings want one. */
  problems(): PlainFault[];
  /** Resolves when the page listens, or has failed to, or after `ms`. */
  settled(ms: number): Promise<void>;
  ops: Pick<OpTable, 'open' | 'audit' | 'changed' | 'assistants' | 'assistantAllow' | 'assistantRevoke'>;
}

interface WebNeeds {
  time: Time;
  facts: HostFacts;
  settings: Pick<HostSettings, 'web' | 'timezone'>;
  journal: Pick<Journal, 'child' | 'scrub'>;
  store: Pick<Store, 'events' | 'changes' | 'pauseChanges' | 'healingChanges'>;
  events: Events;
  bus: Pick<HostBus, 'on'>;
  operations(): Operations;
  pings: Pick<Pings, 'receive'>;
  hooks: Pick<Hooks, 'take'>;
  audit: Pick<Audit, 'of' | 'record'>;
}

/** The variable that keeps the page of this run off, whatever the settings say. */
const OFF_VARIABLE = 'DARUMA_WEB';

/** The file that keeps the sessions, relative to the installation. */
const SESSIONS_FILE = 'data/web/sessions.json';
/** The file that keeps the tokens of assistants, as hashes. */
const ASSISTANTS_FILE = 'data/web/assistants.json';

export function createWeb(needs: WebNeeds): Web {
  const { time, facts, journal, events } = needs;
  const { host, port, origin } = needs.settings.web;
  const enabled = needs.settings.web.enabled && process.env[OFF_VARIABLE] !== 'off';
  const log = journal.child('web');
  const refused = webAddressFault(needs.settings.web);
  const file = join(facts.folder, SESSIONS_FILE);
  const sessions = createSessions({ time, log, file, changed: () => supervisor.sessionsChanged() });
  const assistants = createAssistantTokens({
    time,
    file: join(facts.folder, ASSISTANTS_FILE),
    url: () => (isOn ? (view()?.url ?? null) : null),
    changed: () => supervisor.sessionsChanged(),
  });
  const supervisor = createWebSupervisor({
    ...{ time, log, events, sessions, assistants, port },
    scrub: journal.scrub,
    operations: needs.operations,
    pings: needs.pings,
    hooks: needs.hooks,
    audit: needs.audit,
    terms: {
      ...{
        version: facts.version,
        parent: facts.pid,
        folder: facts.folder,
        store: facts.store.file,
        logs: facts.logFolder,
      },
      ...{ zone: needs.settings.timezone, host, origin: origin ?? null, cookie: cookieName(facts) },
      publicMetrics: needs.settings.web.metrics === 'public',
    },
  });
  const isOn = enabled && !refused;

  function urlOf(on: number): string {
    if (origin !== undefined) return origin;
    return `http://${host.includes(':') ? `[${host}]` : host}:${on}`;
  }

  function view() {
    const found = supervisor.view();
    return found && { url: urlOf(found.port), pid: found.pid };
  }

  function noPage(): PlainFault {
    if (!enabled)
      return {
        code: 'WEB_OFF',
        message: 'the page is off',
        next: 'remove `web: false` from config/daruma.yaml, or DARUMA_WEB=off from the environment; daruma stop; daruma start',
      };
    if (refused) return refused;
    return (
      supervisor.fault() ?? { code: 'WEB_STARTING', message: 'the page is starting', next: 'daruma open, in a moment' }
    );
  }

  return {
    service: {
      start: async () => (isOn ? supervisor.start() : undefined),
      stop: () => supervisor.stop(),
      alive: isOn ? supervisor.alive : () => undefined,
    },
    view,
    problems: () => [
      ...(refused && enabled ? [refused] : []),
      ...(isOn && supervisor.fault() && !view() ? [supervisor.fault()!] : []),
    ],
    settled: (ms) => (isOn ? supervisor.settled(ms) : Promise.resolve()),
    ops: {
      async open({ reader }) {
        await supervisor.settled(isOn ? START_MS : 0);
        const page = isOn ? view() : null;
        if (!page) throw new Fault(noPage());
        const role = reader ? 'reader' : 'operator';
        const { code, until } = sessions.invite(role);
        return { url: `${page.url}/login?code=${code}`, role, until: isoOf(until) };
      },
      ...assistants.ops,
      audit: auditOp(needs.store),
      changed: changedOp(needs, factsOfRooms(needs.bus)),
    },
  };
}

/** A page that is starting is waited for. */
const START_MS = 5_000;

/** Cookies are the same for all ports of a machine: each installation has a name of its own. */
function cookieName({ folder }: HostFacts): string {
  return `daruma_${sha256(folder).slice(0, 8)}`;
}

function auditOp(store: Pick<Store, 'events'>): OpTable['audit'] {
  return async ({ since, limit }) => {
    const found = await store.events({
      kind: ACT_EVENT,
      limit,
      ...(since === undefined ? {} : { since: instantOf(since) }),
    });
    return found.map(({ at, data }) => {
      const { via, who, role, operation, args, ok, fault, times } = data as Omit<AuditView, 'at'>;
      return { at: isoOf(at), via, who, role, operation, args, ok, fault, times };
    });
  };
}
