/** The tone of a state: the colour in which its sign and its word stand, on a terminal and on the page. */
type Tone = 'green' | 'red' | 'yellow' | 'cyan' | 'dim';

const SIGNS: Record<string, { sign: string; style: Tone }> = {
  ok: { sign: '✓', style: 'green' },
  done: { sign: '✓', style: 'green' },
  new: { sign: '·', style: 'dim' },
  queued: { sign: '·', style: 'dim' },
  running: { sign: '▸', style: 'cyan' },
  collecting: { sign: '▸', style: 'cyan' },
  working: { sign: '▸', style: 'cyan' },
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
  open: { sign: '⟳', style: 'yellow' },
  escalated: { sign: '✗', style: 'red' },
  healed: { sign: '✓', style: 'green' },
  closed: { sign: '–', style: 'dim' },
  unused: { sign: '·', style: 'dim' },
};

/** The sign and the tone of a state, of an agent, a job or a version. The word stands beside it: a tone is never the only sign. */
export function signOf(state: string): { sign: string; style: Tone } {
  return Object.hasOwn(SIGNS, state) ? SIGNS[state]! : { sign: '?', style: 'yellow' };
}
