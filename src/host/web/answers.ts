import type { FromWeb, WebAssistant, WebSession } from '../../control/web-channel.ts';
import { shown } from '../../kernel/bounds.ts';
import { Fault, type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { MB } from '../../kernel/measures.ts';
import type { Scrubber } from '../../kernel/scrub.ts';
import { OPERATIONS, type Op } from '../../operations/table.ts';
import type { Operations } from '../api/handlers.ts';
import type { AssistantTokens } from '../assistants/tokens.ts';
import type { Actor, Audit } from '../audit.ts';
import type { Pings } from '../health/pings.ts';
import type { Hooks } from '../hooks/hooks.ts';
import type { WebProcess } from './process.ts';
import type { Sessions } from './sessions.ts';

/** Answers the questions of a web process, with the rights of the person who asks, and records each act. */
interface WebAnswers {
  take(message: Extract<FromWeb, { id: number }>): void;
  /** The process is gone: nobody waits any more. */
  end(): void;
}

export interface WebAnswersNeeds {
  operations: Operations;
  sessions: Sessions;
  assistants: Pick<AssistantTokens, 'of' | 'list'>;
  pings: Pick<Pings, 'receive'>;
  hooks: Pick<Hooks, 'take'>;
  audit: Pick<Audit, 'of' | 'record'>;
  scrub: Pick<Scrubber, 'answer'>;
  log: Log;
}

/** The only act that an assistant may ask for: what was planned. */
const APPLY: Op = 'apply';

/** Questions that are open at a time; the web process itself asks less. */
const MOST_OPEN = 512;
const MOST_UNREAD_BYTES = 4 * MB;

export function createWebAnswers(needs: WebAnswersNeeds, to: Pick<WebProcess, 'send' | 'unread'>): WebAnswers {
  const { operations, sessions, assistants, scrub, log, audit } = needs;
  const open = new Map<number, AbortController>();

  async function ask(message: Extract<FromWeb, { say: 'ask' }>, gone: AbortSignal): Promise<unknown> {
    const { id, op, args, cookie, token } = message;
    const session = cookie === null ? undefined : sessions.of(cookie);
    if (cookie !== null && !session) throw signedOut();
    const assistant = token === undefined ? undefined : assistants.of(token);
    if (token !== undefined && !assistant) throw tokenGone();
    const isAct = Object.hasOwn(OPERATIONS, op) && OPERATIONS[op as Op].kind === 'act';
    if (assistant && isAct && op !== APPLY) throw planFirst(op);
    const item = (one: unknown) => {
      if (gone.aborted || to.unread() > MOST_UNREAD_BYTES) return false;
      to.send({ do: 'item', id, item: scrub.answer(one) });
      return true;
    };
    const by = assistant ? assistantActor(assistant) : session && pageActor(session);
    const call = { role: by?.role ?? ('reader' as const), item, gone, ...(by ? { by: () => by } : {}) };
    const asked = operations.ask(op, args, call);
    return by ? audit.of(() => by, { operation: op, args }, asked) : asked;
  }

  async function answer(message: Exclude<Extract<FromWeb, { id: number }>, { say: 'leave' }>, gone: AbortSignal) {
    if (message.say === 'ask') return ask(message, gone);
    if (message.say === 'sign in') {
      const { cookie, session } = sessions.signIn(message.code);
      audit.record(pageActor(session), 'sign in');
      return { cookie, until: session.until };
    }
    if (message.say === 'outside ping') return needs.pings.receive(message);
    if (message.say === 'delivery') return needs.hooks.take(message);
    const session = sessions.signOut(message.cookie);
    if (session) audit.record(pageActor(session), 'sign out');
    return null;
  }

  return {
    take(message) {
      const { id } = message;
      if (message.say === 'leave')
        return open.get(id)?.abort(new Fault({ code: 'CLIENT_GONE', message: 'nobody waits' }));
      if (open.size >= MOST_OPEN) throw new Error('too many questions at once');
      const leave = new AbortController();
      open.set(id, leave);
      answer(message, leave.signal)
        .then((value) => to.send({ do: 'answer', id, value: message.say === 'ask' ? scrub.answer(value) : value }))
        .catch((error: unknown) => {
          const { stack, ...fault } = toPlainFault(error);
          if (!(error instanceof Fault)) log.error('an operation of the page failed', { fault: { ...fault, stack } });
          to.send({ do: 'refuse', id, fault: scrub.answer(fault) as PlainFault });
        })
        .finally(() => open.delete(id));
    },
    end() {
      for (const leave of open.values()) leave.abort(new Fault({ code: 'CLIENT_GONE', message: 'the page is gone' }));
    },
  };
}

function pageActor({ hash, role }: WebSession): Actor {
  return { via: 'page', who: hash.slice(0, 8), role };
}

function assistantActor({ name, role }: WebAssistant): Actor {
  return { via: 'mcp', who: name, role };
}

function signedOut(): Fault {
  return new Fault({ code: 'SIGNED_OUT', message: 'nobody is signed in with this cookie', next: 'daruma open' });
}

function tokenGone(): Fault {
  const message = 'no assistant has this token: it was revoked, is too old, or is none of this host';
  return new Fault({ code: 'TOKEN_WRONG', message, next: 'daruma mcp list' });
}

function planFirst(op: string): Fault {
  const message = `an assistant asks for ${shown(op)} by a plan only`;
  return new Fault({ code: 'PLAN_NEEDED', message, next: 'plan it, then apply the plan' });
}
