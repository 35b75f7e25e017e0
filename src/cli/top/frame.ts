import { logLines } from '../text/log.ts';
import { briefTable, hostLine, type Look } from '../text/status.ts';
import { pad, widthOf } from '../text/width.ts';
import { chosenAgent, shownAgents, type TopModel } from './model.ts';

/** Lines of the log that stand below the table. */
const LOG_LINES = 8;
const KEYS = 'j/k move  / filter  Enter details  l logs  r run  p pause  R restart  a ack  ? help  q quit';
const HELP = [
  'j, k, ↓, ↑    move the cursor; PgUp, PgDn, Home, End too',
  '/             show the agents whose name or state has a text; Enter keeps it, Esc ends it',
  'Enter         the agent in full; Enter, Esc or q goes back',
  'l             the newest lines of the agent on the whole screen; l goes back',
  'r             put one job of the agent in the queue',
  'p             pause the agent; an agent that is paused or quarantined runs again',
  'R             give the agent a clean worker; a job that runs ends first',
  'a             close the newest open incident of the agent',
  'q, Ctrl-C     leave; the host goes on',
];

/** The screen as lines, exactly `rows`, none wider than the look. */
export function frameOf(model: TopModel, look: Look, rows: number): string[] {
  const head = headLines(model, look);
  const foot = [footLine(model, look)];
  const room = Math.max(0, rows - head.length - foot.length);
  const body = bodyLines(model, look, room);
  const filled = Array.from({ length: room }, (_, at) => body[at] ?? '');
  return [...head, ...filled, ...foot].slice(0, rows).map((line) => cutPainted(line, look.width));
}

function headLines({ status, away }: TopModel, look: Look): string[] {
  const host = status
    ? hostLine(status, look)
        .filter((line) => line !== '')
        .slice(0, 1)
    : ['daruma top'];
  if (away === undefined) return host;
  return [look.paint('red', `✗ ${away}`)];
}

function footLine({ view, filter, said }: TopModel, { paint }: Look): string {
  if (view === 'filter') return `/${filter}▏`;
  if (said) return said;
  return paint('dim', filter ? `filter ${filter}  (/ Esc ends it)  ${KEYS}` : KEYS);
}

function bodyLines(model: TopModel, look: Look, room: number): string[] {
  switch (model.view) {
    case 'help':
      return HELP;
    case 'details':
      return [...model.details];
    case 'logs':
      return logPane(model, look, room);
    default: {
      const below = Math.min(LOG_LINES + 1, Math.max(0, room - 4));
      const table = tableLines(model, look, room - below);
      const filled = Array.from({ length: room - below }, (_, at) => table[at] ?? '');
      return [...filled, ...logPane(model, look, below)];
    }
  }
}

/** The title and the agents around the cursor. */
function tableLines(model: TopModel, look: Look, room: number): string[] {
  const agents = shownAgents(model);
  if (agents.length === 0) return [model.status ? 'no agent fits the filter' : 'asking the host …'];
  const { paint, width } = look;
  const [title, ...lines] = briefTable(agents, { ...look, width: width - 2 });
  const at = Math.max(
    0,
    agents.findIndex(({ name }) => name === chosenAgent(model)?.name),
  );
  const most = Math.max(1, room - 1);
  const first = Math.max(0, Math.min(at - Math.floor(most / 2), lines.length - most));
  const shown = lines.slice(first, first + most).map((line, index) => {
    if (first + index !== at) return `  ${line}`;
    return `${paint('cyan', '▸')} ${pad(line, width - 2)}`;
  });
  return [`  ${title}`, ...shown];
}

/** A title, and the newest lines of the chosen agent. */
function logPane(model: TopModel, look: Look, room: number): string[] {
  if (room < 2) return [];
  const name = chosenAgent(model)?.name;
  const title = look.paint('dim', `── log of ${name ?? 'nobody'} `.padEnd(Math.min(look.width, 60), '─'));
  const lines = model.logs.flatMap((line) => logLines(line, look, { agent: false, job: true, before: look.clock.now }));
  return [title, ...(lines.length === 0 ? ['no lines'] : lines.slice(1 - room))];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const STYLES = /\u001b\[[0-9;]*m/g;

/** A painted line cut to the width; a cut one loses its colours, which might not end otherwise. */
function cutPainted(line: string, width: number): string {
  if (widthOf(line) <= width) return line;
  const plain = line.replace(STYLES, '');
  let kept = '';
  for (const { segment } of new Intl.Segmenter().segment(plain)) {
    if (widthOf(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
