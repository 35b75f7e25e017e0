import { emitKeypressEvents } from 'node:readline';
import type { ReadStream } from 'node:tty';

/** Hears single keys of a terminal, one after the other: a key is done before the next is looked at. */
export function listenForKeys(input: ReadStream, press: (key: string) => Promise<void>): { close(): void } {
  let busy = false;

  async function receive(text: string | undefined, key: { name?: string; ctrl?: boolean }) {
    // A terminal that is read key by key sends Ctrl-C and Ctrl-D as keys.
    const name = key.ctrl && (key.name === 'c' || key.name === 'd') ? 'q' : (text ?? key.name ?? '');
    if (busy && name !== 'q') return;
    busy = true;
    try {
      await press(name);
    } finally {
      busy = false;
    }
  }

  emitKeypressEvents(input);
  input.setRawMode(true);
  input.on('keypress', receive);
  input.resume();
  return {
    close() {
      input.off('keypress', receive);
      input.setRawMode(false);
      input.pause();
    },
  };
}
