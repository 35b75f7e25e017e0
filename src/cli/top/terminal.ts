import { emitKeypressEvents } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';

/** The terminal of this process while a program has the whole screen. */
interface Terminal {
  size(): { rows: number; columns: number };
  /** Shows a screen. Nothing is written when it is the one that is there, or while the terminal reads too slowly. */
  show(lines: readonly string[]): void;
  /** Gives the terminal back as it was; further calls do nothing. */
  restore(): void;
}

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
/** A terminal that knows these shows a frame at once, without flicker; others ignore them. */
const BEGIN_FRAME = '\u001b[?2026h\u001b[H';
const END_FRAME = '\u001b[J\u001b[?2026l';

interface TerminalNeeds {
  input: ReadStream;
  output: WriteStream;
  key(name: string): void;
  resized(): void;
  /** The terminal is gone. */
  gone(): void;
}

/**
 * Takes the whole screen and hears single keys. The terminal is given back by `restore`, and at the end of the process
 * whatever ends it, short of SIGKILL.
 */
export function openTerminal({ input, output, key, resized, gone }: TerminalNeeds): Terminal {
  let shown = '';
  let isOpen = true;

  function receive(text: string | undefined, { name, ctrl }: { name?: string; ctrl?: boolean }) {
    if (ctrl) return key(`ctrl-${name}`);
    key(NAMED.has(name ?? '') ? name! : (text ?? name ?? ''));
  }

  function refresh() {
    shown = '';
    resized();
  }

  function restore() {
    if (!isOpen) return;
    isOpen = false;
    process.off('exit', restore);
    output.off('resize', refresh);
    input.off('keypress', receive).off('end', gone).off('error', gone);
    output.off('error', gone);
    try {
      input.setRawMode(false);
      output.write(LEAVE);
    } catch {
      // The terminal is gone, and nobody sees it any more.
    }
    input.pause();
  }

  process.on('exit', restore);
  emitKeypressEvents(input);
  input.setRawMode(true);
  input.on('keypress', receive).on('end', gone).on('error', gone);
  output.on('resize', refresh).on('error', gone);
  input.resume();
  output.write(ENTER);
  return {
    size: () => ({ rows: output.rows || 24, columns: output.columns || 80 }),
    show(lines) {
      const text = lines.map((line) => `${line}\u001b[K`).join('\r\n');
      if (!isOpen || text === shown || output.writableNeedDrain) return;
      shown = text;
      output.write(BEGIN_FRAME + text + END_FRAME);
    },
    restore,
  };
}

/** Keys that are better known by name than by what they send. */
const NAMED = new Set(['return', 'escape', 'backspace', 'up', 'down', 'home', 'end', 'pageup', 'pagedown']);
