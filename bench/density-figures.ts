/** Figures of one size, as results/density.json keeps them. */
export interface Density {
  /** When it was measured, and how busy the machine was before. */
  at: string;
  load1: number;
  seconds: number;
  agents: number;
  firstReadyMs: number;
  firstLiveMs: number;
  startMs: number;
  liveMs: number;
  /** With nothing due, and some seconds after a minute has begun. */
  statusMs: number;
  statusAtWorkMs: number;
  hostMb: number;
  allMb: number;
  hostCorePercent: number;
  corePercent: number;
  kinds: KindSlots[];
}

/** The slots of all agents of one kind of schedule that were due in the window. */
export interface KindSlots {
  kind: Kind;
  agents: number;
  /** By the text of the schedules, whatever the host says. */
  due: number;
  /** Slots whose job is done. */
  run: number;
  withinSecond: number;
  p50Ms: number | null;
  p99Ms: number | null;
  mostMs: number | null;
}

export const KINDS = ['minute', 'ten minutes', 'hour', 'day'] as const;
export type Kind = (typeof KINDS)[number];

export const TARGETS = { hostMb: 250, hostCorePercent: 3, startMs: 2_000, statusMs: 300 };
const MINUTE_MS = 60_000;

/** Of twenty agents one runs every minute, four every ten minutes, ten every hour and five once a day. */
export function kindOf(index: number): Kind {
  const at = index % 20;
  if (at === 0) return 'minute';
  if (at < 5) return 'ten minutes';
  return at < 15 ? 'hour' : 'day';
}

/** The agent's schedule in UTC: those of one kind are spread, and the first of each is due at `from` (epoch ms, a whole minute). */
export function scheduleAt(index: number, from: number): string {
  const { minute, hour } = firstDue(index, from);
  const byKind = {
    minute: '* * * * *',
    'ten minutes': `${minute % 10}-59/10 * * * *`,
    hour: `${minute} * * * *`,
    day: `${minute} ${hour} * * *`,
  };
  return byKind[kindOf(index)];
}

/** Times of the agent's slots within from … to, epoch ms; `begun`: what its schedule was made for. */
export function duesOf(index: number, begun: number, { from, to }: { from: number; to: number }): number[] {
  const first = firstDue(index, begun).at;
  const every = { minute: 1, 'ten minutes': 10, hour: 60, day: 1_440 }[kindOf(index)] * MINUTE_MS;
  const dues: number[] = [];
  const ahead = Math.ceil((from - first) / every);
  for (let at = first + ahead * every; at < to; at += every) dues.push(at);
  return dues;
}

function firstDue(index: number, from: number) {
  const at = from + (Math.floor(index / 20) % 60) * MINUTE_MS;
  const date = new Date(at);
  return { at, minute: date.getUTCMinutes(), hour: date.getUTCHours() };
}

/** The table of the documentation. */
export function rowsOf(found: readonly Density[]): Record<string, string | number>[] {
  return found.map((one) => {
    const sum = (key: 'due' | 'run' | 'withinSecond') => one.kinds.reduce((all, kind) => all + kind[key], 0);
    const most = Math.max(...one.kinds.map(({ mostMs }) => mostMs ?? 0));
    return {
      agents: one.agents,
      'host, MB': one.hostMb,
      'all processes, MB': one.allMb,
      'host, % of a core': one.hostCorePercent,
      'all, % of a core': one.corePercent,
      'status, calm · at work, ms': `${one.statusMs} · ${one.statusAtWorkMs}`,
      'start, ms': one.startMs,
      'all at work, ms': one.liveMs,
      'slots due · run': `${sum('due')} · ${sum('run')}`,
      'within 1 s': sum('withinSecond'),
      'latest, ms': most,
      'load before': one.load1,
    };
  });
}

const round = (value: number) => Math.round(value * 10) / 10;

/** Each figure as a share of its target, over the number of agents. */
export function graph(found: readonly Density[]): string {
  const [width, height, left, bottom] = [640, 360, 60, 40];
  const lines = { hostMb: '#1f6feb', hostCorePercent: '#d1242f', startMs: '#1a7f37', statusMs: '#9a6700' } as const;
  const words = {
    hostMb: 'host, MB',
    hostCorePercent: 'host, % of a core',
    startMs: 'start, ms',
    statusMs: 'status, ms',
  };
  const keys = Object.keys(lines) as (keyof typeof lines)[];
  const most = Math.max(1.2, ...found.flatMap((one) => keys.map((key) => one[key] / TARGETS[key])));
  const logs = found.map(({ agents }) => Math.log10(agents));
  const [low, high] = [Math.min(...logs), Math.max(...logs, Math.min(...logs) + 1)];
  const x = (agents: number) => left + ((Math.log10(agents) - low) / (high - low)) * (width - left - 20);
  const y = (share: number) => height - bottom - (share / most) * (height - bottom - 20);
  const text = (at: [number, number], said: string, more = '') =>
    `<text x="${round(at[0])}" y="${round(at[1])}" ${more}>${said}</text>`;
  const courses = keys.map((key, i) => {
    const points = found.map((one) => `${round(x(one.agents))},${round(y(one[key] / TARGETS[key]))}`);
    const label = text([left + 10, 34 + 16 * i], `${words[key]} ÷ ${TARGETS[key]}`, `fill="${lines[key]}"`);
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${lines[key]}" stroke-width="2"/>${label}`;
  });
  const ticks = found.map(({ agents }) => text([x(agents), height - 16], String(agents), 'text-anchor="middle"'));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#fff"/>
<line x1="${left}" x2="${width - 20}" y1="${round(y(1))}" y2="${round(y(1))}" stroke="#57606a" stroke-dasharray="4 4"/>
${text([left - 6, y(1) + 4], 'target', 'text-anchor="end"')}
${courses.join('\n')}
${ticks.join('\n')}
${text([width - 20, height - 2], 'agents', 'text-anchor="end"')}
</svg>
`;
}
