import type { Duplex } from 'node:stream';
import type { PlainFault } from '../../../kernel/fault.ts';
import { openFrameChannel } from '../../../kernel/frames.ts';
import { type FromGateway, TO_GATEWAY, type ToGateway } from '../wire.ts';

/** The gateway's end of the channel to its host. */
export interface GatewayLink {
  /** Sends messages in one frame. */
  send(...messages: FromGateway[]): void;
  /** Sends a message about a call, and resolves with the host's next message about it; rejects when `signal` is aborted. */
  ask(message: Extract<FromGateway, { say: 'begin' | 'pass' | 'end' }>, signal: AbortSignal): Promise<HostAnswer>;
}

/** A message of the host about one call. */
export type HostAnswer = Extract<ToGateway, { id: string }>;

interface GatewayLinkNeeds {
  /** Gets each message but pings and answers about calls. */
  receive(message: Exclude<ToGateway, HostAnswer | { do: 'ping' }>): void;
  /** The host is gone; `why`: or said what is no message. */
  gone(why?: PlainFault): void;
}

export function openGatewayLink(pipe: Duplex, needs: GatewayLinkNeeds): GatewayLink {
  const channel = openFrameChannel(pipe, { receive, broken: needs.gone }, TO_GATEWAY);
  const waiting = new Map<string, (answer: HostAnswer) => void>();
  pipe.once('close', () => needs.gone());

  function receive(messages: unknown) {
    for (const message of messages as ToGateway[]) take(message);
  }

  function take(message: ToGateway) {
    if (message.do === 'ping') return send({ say: 'pong', n: message.n });
    if (!isAnswer(message)) return needs.receive(message);
    const answered = waiting.get(message.id);
    waiting.delete(message.id);
    answered?.(message);
  }

  function send(...messages: FromGateway[]) {
    if (pipe.writable) channel.send(messages);
  }

  return {
    send,
    ask(message, signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      const { promise, resolve, reject } = Promise.withResolvers<HostAnswer>();
      const leave = () => {
        waiting.delete(message.id);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      waiting.set(message.id, (answer) => {
        signal.removeEventListener('abort', leave);
        resolve(answer);
      });
      send(message);
      return promise;
    },
  };
}

function isAnswer(message: ToGateway): message is HostAnswer {
  return message.do === 'go' || message.do === 'refuse' || message.do === 'pass' || message.do === 'settled';
}
