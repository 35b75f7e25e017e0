import type { LogLine } from '../control/protocol.ts';
import { Fault } from '../kernel/fault.ts';
import { isoOf } from '../kernel/instant.ts';
import type { Time } from '../kernel/time.ts';
import type { HostLink } from './host-link.ts';
import type { LogTail } from './log-tail.ts';
import type { Reader } from './reader.ts';

/**
 * Streams of open pages (server-sent events): `beat` each 5 s, `change` about once a second at most when something has
 * changed, and `line` at most once a second when a line of the log that a page follows was written. All events carry
 * `{ at, down }`. All streams are fed by one stream of the host, which is open while a page is. Pages load anew when they
 * hear of a change: many pages hear of it a few at a time, so that they do not all ask the host in the same moment, in
 * which agents want the processor.
 */
export interface Live {
  /** A stream, for one page that follows the lines of the log that are wanted, or none. Throws `STREAMS_FULL` when there are too many. */
  open(isWanted?: (line: LogLine) => boolean): ReadableStream<Uint8Array>;
  count(): number;
  close(): void;
}

/** Streams of open pages, all browsers together. */
export const MOST_STREAMS = 32;
const BEAT_MS = 5_000;
const LONGEST_MS = 600_000;
const AGAIN_MS = 2_000;
/** A browser comes back after this long, in ms. */
const RETRY_MS = 2_000;
/** So many streams hear of a change at a time, and the next after this long, in ms: 32 within 0.7 s. */
const NOTIFIED_AT_ONCE = 4;
const NEXT_NOTIFIED_MS = 100;
/** Events that lie unread: a page that does not read them is gone. */
const MOST_UNREAD = 64;

interface LiveNeeds {
  time: Time;
  link: Pick<HostLink, 'ask'>;
  reader: Pick<Reader, 'down' | 'forget'>;
  tail: LogTail;
}

interface Stream {
  send(event: string): void;
  end(): void;
}

export function createLive({ time, link, reader, tail }: LiveNeeds): Live {
  const streams = new Set<Stream>();
  /** Streams that have not heard of the newest change yet. */
  const unnotified = new Set<Stream>();
  let upstream: AbortController | undefined;
  let stopBeat = () => {};
  let stopNotifying: (() => void) | undefined;

  const text = (event: string) =>
    `event: ${event}\ndata: ${JSON.stringify({ at: isoOf(time.now()), down: reader.down() !== undefined })}\n\n`;

  function change() {
    reader.forget();
    for (const stream of streams) unnotified.add(stream);
    if (!stopNotifying) notify();
  }

  function line(stream: Stream) {
    reader.forget();
    stream.send(text('line'));
  }

  function notify() {
    const said = text('change');
    for (const stream of [...unnotified].slice(0, NOTIFIED_AT_ONCE)) {
      unnotified.delete(stream);
      stream.send(said);
    }
    stopNotifying = unnotified.size > 0 ? time.after(NEXT_NOTIFIED_MS, notify) : undefined;
  }

  function beat() {
    const said = text('beat');
    for (const stream of streams) stream.send(said);
    stopBeat = time.after(BEAT_MS, beat);
  }

  async function follow(signal: AbortSignal) {
    while (!signal.aborted) {
      await link.ask('changed', {}, { cookie: null, signal, onItem: change }).catch(() => {});
      await time.sleep(AGAIN_MS, signal).catch(() => {});
    }
  }

  function rest() {
    if (streams.size > 0) return;
    upstream?.abort(new Error('no page is open'));
    upstream = undefined;
    stopBeat();
    stopNotifying?.();
    stopNotifying = undefined;
  }

  return {
    open(isWanted) {
      if (streams.size >= MOST_STREAMS) throw full();
      let stop = () => {};
      const stream = new ReadableStream<Uint8Array>(
        {
          start(controller) {
            const bytes = new TextEncoder();
            const one = {
              send(said: string) {
                if ((controller.desiredSize ?? 0) < 1 - MOST_UNREAD) return one.end();
                controller.enqueue(bytes.encode(said));
              },
              end() {
                stop();
                controller.close();
              },
            };
            streams.add(one);
            const stopClock = time.after(LONGEST_MS, one.end);
            const stopTail = isWanted ? tail.follow(isWanted, () => line(one)) : () => {};
            stop = () => {
              stopClock();
              stopTail();
              streams.delete(one);
              unnotified.delete(one);
              rest();
            };
            one.send(`retry: ${RETRY_MS}\n${text('beat')}`);
          },
          cancel: () => stop(),
        },
        new CountQueuingStrategy({ highWaterMark: 1 }),
      );
      if (!upstream) {
        upstream = new AbortController();
        stopBeat = time.after(BEAT_MS, beat);
        void follow(upstream.signal);
      }
      return stream;
    },
    count: () => streams.size,
    close() {
      for (const stream of streams) stream.end();
    },
  };
}

function full(): Fault {
  const message = `${MOST_STREAMS} pages are open already, and no more are kept up to date`;
  return new Fault({
    code: 'STREAMS_FULL',
    message,
    next: 'close a page that nobody looks at, or reload this one now and then',
  });
}
