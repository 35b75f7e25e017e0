import type { Duplex } from 'node:stream';
import type { Op, Ops } from '../control/protocol.ts';
import {
  type FromWeb,
  type TakenDelivery,
  TO_WEB,
  type ToWeb,
  type WebAssistant,
  type WebSession,
  type WebTerms,
} from '../control/web-channel.ts';
import { Fault, type PlainFault } from '../kernel/fault.ts';
import { openFrameChannel } from '../kernel/frames.ts';
import { given } from '../kernel/given.ts';
import type { Time } from '../kernel/time.ts';

/** The web process's end of the channel to its host. */
export interface HostLink {
  /** Asks the host. Rejects with what it says, with `HOST_SILENT` after `withinMs`, with `TOO_BUSY` when too many questions are open. */
  ask<O extends Op>(op: O, args: Ops[O]['args'], terms: AskTerms<O>): Promise<Ops[O]['value']>;
  /** Changes the code of a link into a cookie. Rejects with `LINK_WRONG`. */
  signIn(code: string): Promise<{ cookie: string; until: number }>;
  signOut(cookie: string): Promise<void>;
  /** Hands on a sign of life of a program outside. Rejects with `PING_TOKEN_WRONG` and the like. */
  ping(name: string, token: string, withinMs: number | null): Promise<object>;
  /** Hands on a delivery. Rejects with the fault for which the host refuses it. */
  deliver(
    delivery: Omit<Extract<FromWeb, { say: 'delivery' }>, 'say' | 'id'>,
    withinMs: number,
  ): Promise<TakenDelivery>;
  /** The session of a cookie's hash; undefined when there is none, or it is over. */
  session(hash: string): WebSession | undefined;
  /** The assistant of a token's hash; undefined when there is none, or its token is good no more. */
  assistant(hash: string): WebAssistant | undefined;
  /** The time since the host's last message, in ms. */
  silentMs(): number;
  send(message: FromWeb): void;
}

/** The terms of a question to the host. */
interface AskTerms<O extends Op = Op> {
  /** The cookie of the person who asks; null: the question has the rights of a reader. */
  cookie: string | null;
  /** The token of the assistant that asks, in place of a cookie. */
  token?: string;
  /** The longest wait; undefined: for as long as it takes. */
  withinMs?: number;
  onItem?(item: Ops[O]['item']): void;
  /** The web process stops waiting for the answer when this signal is aborted. */
  signal?: AbortSignal;
}

interface HostLinkNeeds {
  time: Time;
  /** The host's first message. */
  begin(terms: WebTerms): void;
  /** Connections that are open, for the host. */
  clients(): number;
  /** The host is gone; `why`: or said what is no message. */
  gone(why?: PlainFault): void;
}

type WithoutId<Message> = Message extends unknown ? Omit<Message, 'id'> : never;
type Question = WithoutId<Extract<FromWeb, { say: 'ask' | 'sign in' | 'sign out' | 'outside ping' | 'delivery' }>>;

interface Waiting {
  resolve(value: unknown): void;
  reject(reason: Error): void;
  onItem: ((item: never) => void) | undefined;
}

/** A host that hangs must not fill this process with questions. */
const MOST_WAITING = 256;

export function openHostLink(pipe: Duplex, needs: HostLinkNeeds): HostLink {
  const { time } = needs;
  const channel = openFrameChannel(pipe, { receive, broken: needs.gone }, TO_WEB);
  const waiting = new Map<number, Waiting>();
  let sessions = new Map<string, WebSession>();
  let assistants = new Map<string, WebAssistant>();
  let lastId = 0;
  let heardAt = time.monotonic();
  pipe.once('close', () => needs.gone());

  function receive(messages: unknown) {
    heardAt = time.monotonic();
    for (const message of messages as ToWeb[]) take(message);
  }

  function take(message: ToWeb) {
    if (message.do === 'ping') return send({ say: 'pong', n: message.n, clients: needs.clients() });
    if (message.do === 'begin' || message.do === 'sessions') {
      sessions = new Map(message.sessions.map((session) => [session.hash, session]));
      assistants = new Map(message.assistants.map((assistant) => [assistant.hash, assistant]));
      if (message.do === 'begin') needs.begin(message.terms);
      return;
    }
    const asked = waiting.get(message.id);
    if (message.do === 'item') return asked?.onItem?.(message.item as never);
    waiting.delete(message.id);
    if (message.do === 'answer') asked?.resolve(message.value);
    else asked?.reject(new Fault(message.fault));
  }

  function send(message: FromWeb) {
    if (pipe.writable) channel.send([message]);
  }

  function question(
    said: Question,
    { withinMs, onItem, signal }: Omit<AskTerms, 'cookie' | 'token'>,
  ): Promise<unknown> {
    if (waiting.size >= MOST_WAITING) return Promise.reject(tooBusy());
    if (signal?.aborted) return Promise.reject(signal.reason);
    const id = ++lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const leave = (reason: Error) => {
      if (waiting.delete(id)) send({ say: 'leave', id });
      reject(reason);
    };
    const aborted = () => leave(signal!.reason);
    const stopClock = withinMs === undefined ? () => {} : time.after(withinMs, () => leave(silent(withinMs)));
    signal?.addEventListener('abort', aborted, { once: true });
    waiting.set(id, { resolve, reject, onItem });
    send({ ...said, id } as FromWeb);
    return promise.finally(() => {
      stopClock();
      signal?.removeEventListener('abort', aborted);
    });
  }

  function whileGood<One extends WebSession>(found: One | undefined): One | undefined {
    return found && found.until > time.now() ? found : undefined;
  }

  const SOON = { withinMs: 5_000 };
  return {
    ask: (op, args, { cookie, token, ...terms }) =>
      question(
        { say: 'ask', op, args, cookie, ...given({ token }) },
        terms as Omit<AskTerms, 'cookie' | 'token'>,
      ) as Promise<never>,
    signIn: (code) => question({ say: 'sign in', code }, SOON) as Promise<{ cookie: string; until: number }>,
    async signOut(cookie) {
      await question({ say: 'sign out', cookie }, SOON);
    },
    ping: (name, token, withinMs) => question({ say: 'outside ping', name, token, withinMs }, SOON) as Promise<object>,
    deliver: (delivery, withinMs) => question({ say: 'delivery', ...delivery }, { withinMs }) as Promise<TakenDelivery>,
    session: (hash) => whileGood(sessions.get(hash)),
    assistant: (hash) => whileGood(assistants.get(hash)),
    silentMs: () => time.monotonic() - heardAt,
    send,
  };
}

function silent(ms: number): Fault {
  const message = `the host gave no answer within ${ms / 1_000}s`;
  return new Fault({ code: 'HOST_SILENT', message, next: 'daruma status' });
}

function tooBusy(): Fault {
  const message = 'the page waits for too many answers of the host';
  return new Fault({ code: 'TOO_BUSY', message, next: 'try again in a moment' });
}
