import type { ToWeb, WebTerms } from '../../control/web-channel.ts';
import { type ChildSupervisor, createChildSupervisor } from '../../gateway/child/supervisor.ts';
import type { Log } from '../../kernel/log.ts';
import { MB } from '../../kernel/measures.ts';
import type { Time } from '../../kernel/time.ts';
import type { Events } from '../../telemetry/events.ts';
import { createWebAnswers, type WebAnswersNeeds } from './answers.ts';
import { openWebProcess } from './process.ts';

/** Keeps the web process. */
interface WebSupervisor extends Omit<ChildSupervisor<ToWeb>, 'send'> {
  /** Sends the sessions and the assistants to the process anew. */
  sessionsChanged(): void;
}

interface WebSupervisorNeeds extends Omit<WebAnswersNeeds, 'operations'> {
  time: Time;
  log: Log;
  events: Events;
  operations(): WebAnswersNeeds['operations'];
  terms: Omit<WebTerms, 'ports'>;
  /** The port of the settings; the next ones are tried after it. 0: any. */
  port: number;
  /** The code of the process, and the time between two looks at it. Default: that of the build, 2 s. */
  file?: string;
  pingMs?: number;
}

const MOST_RSS_BYTES = 192 * MB;
const PORTS = 20;

export function createWebSupervisor(needs: WebSupervisorNeeds): WebSupervisor {
  const { time, log, events, sessions } = needs;
  const signedIn = () => ({ sessions: sessions.list(), assistants: needs.assistants.list() });
  const termsWith = (ports: readonly number[]): WebTerms => ({ ...needs.terms, ports });
  const { send, ...supervisor } = createChildSupervisor({
    time,
    log,
    name: 'the page',
    code: 'WEB_LOST',
    lost: (message) =>
      events.record('warn', {
        kind: 'web.lost',
        agent: null,
        message: `${message}; agents go on, and it is started again`,
      }),
    back: (message) => events.record('info', { kind: 'web.back', agent: null, message }),
    open: (ports, calls) => openWebProcess(termsWith(ports), calls, needs.file),
    begin(process, ports) {
      const answers = createWebAnswers({ ...needs, operations: needs.operations() }, process);
      process.send({ do: 'begin', terms: termsWith(ports), ...signedIn() });
      return { receive: answers.take, end: answers.end };
    },
    ports: (before = needs.port) => portsFrom(before, needs.port),
    mostRssBytes: MOST_RSS_BYTES,
    ...(needs.pingMs === undefined ? {} : { pingMs: needs.pingMs }),
  });
  return { ...supervisor, sessionsChanged: () => send({ do: 'sessions', ...signedIn() }) };
}

/** The port of before first, so that addresses stay; then that of the settings, and those after it. */
function portsFrom(before: number, set: number): number[] {
  if (set === 0) return [before];
  const next = Array.from({ length: PORTS }, (_, index) => set + index).filter((one) => one <= 65_535);
  return [...new Set([before, ...next])];
}
