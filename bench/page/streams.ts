import { request } from 'node:http';

/** A stream of an open page, as a browser holds one. */
export interface OpenStream {
  /** Resolves when the stream is over, whoever ended it. */
  over: Promise<void>;
  close(): void;
}

/** Opens `/live`; `heard` is called with the name of each event. */
export function openStream(origin: string, cookie: string, heard: (event: string) => void): OpenStream {
  const sent = request(`${origin}/live`, { headers: { cookie, accept: 'text/event-stream' }, agent: false });
  const over = new Promise<void>((resolve) => {
    sent.once('error', () => resolve());
    sent.once('close', () => resolve());
    sent.once('response', (answer) => {
      answer.setEncoding('utf8').on('error', () => resolve());
      answer.on('data', (text: string) => {
        for (const [, event] of text.matchAll(/^event: (\w+)$/gm)) heard(event!);
      });
    });
  });
  sent.end();
  return { over, close: () => void sent.destroy() };
}
