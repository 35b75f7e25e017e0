import { styleText } from 'node:util';

/** Styles of a text on a terminal. */
export type Style = 'green' | 'red' | 'yellow' | 'cyan' | 'dim' | 'bold';

/** Colours a text, or leaves it as it is where colours are not wanted. Never the only sign of anything. */
export type Paint = (style: Style, text: string) => string;

/** Colours when the stream is a terminal that shows them; NO_COLOR, FORCE_COLOR and TERM are heeded. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  if (!stream.isTTY || !stream.hasColors()) return plain;
  return (style, text) => styleText(style, text, { validateStream: false });
}

/** Leaves every text as it is. */
export const plain: Paint = (_style, text) => text;

/** The sign and the colour of a state, of an agent or of a job. The word stands beside it. */
export function signOf(state: string): { sign: string; style: Style } {
  return Object.hasOwn(SIGNS, state) ? SIGNS[state]! : { sign: '?', style: 'yellow' };
}

const SIGNS: Record<string, { sign: string; style: Style }> = {
  ok: { sign: '✓', style: 'green' },
  done: { sign: '✓', style: 'green' },
  new: { sign: '·', style: 'dim' },
  queued: { sign: '·', style: 'dim' },
  running: { sign: '▸', style: 'cyan' },
  retrying: { sign: '⟳', style: 'yellow' },
  late: { sign: '!', style: 'yellow' },
  healing: { sign: '⟳', style: 'yellow' },
  failed: { sign: '✗', style: 'red' },
  unscheduled: { sign: '✗', style: 'red' },
  quarantined: { sign: '✗', style: 'red' },
  dead: { sign: '✗', style: 'red' },
  'needs setup': { sign: '!', style: 'yellow' },
  paused: { sign: '‖', style: 'dim' },
  off: { sign: '–', style: 'dim' },
  cancelled: { sign: '–', style: 'dim' },
  good: { sign: '✓', style: 'green' },
  probation: { sign: '⟳', style: 'yellow' },
  bad: { sign: '✗', style: 'red' },
  unused: { sign: '·', style: 'dim' },
};
