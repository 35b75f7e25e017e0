import type { AgentView, LogLine, StatusView } from '../../control/protocol.ts';

/** The content of `daruma top`, without how it looks. */
export interface TopModel {
  status: StatusView | undefined;
  /** Why the status is old: no host answers. */
  away: string | undefined;
  /** The agent that keys mean; its name stays when the table changes. */
  chosen: string | undefined;
  filter: string;
  /** The part that is shown in the place of the table. */
  view: TopView;
  /** The newest lines of the chosen agent, at most {@link MOST_LOG_LINES}. */
  logs: readonly LogLine[];
  /** Lines of the chosen agent in full. */
  details: readonly string[];
  /** The result of the last key. */
  said: string;
}

type TopView = 'table' | 'filter' | 'details' | 'logs' | 'help';

/** The request of a key, beyond the change of the model. */
export type TopOrder = 'run' | 'pause' | 'restart' | 'ack' | 'details' | 'quit';

/** Lines of one agent that are kept. */
export const MOST_LOG_LINES = 200;

export const EMPTY_MODEL: TopModel = {
  ...{
    status: undefined,
    away: undefined,
    chosen: undefined,
    filter: '',
    view: 'table',
    logs: [],
    details: [],
    said: '',
  },
};

/** The agents that are shown, in their order. */
export function shownAgents({ status, filter }: TopModel): AgentView[] {
  return (status?.agents ?? []).filter(({ name, state }) => name.includes(filter) || state.includes(filter));
}

/** The agent that keys mean: the chosen one while it is shown, else the first. */
export function chosenAgent(model: TopModel): AgentView | undefined {
  const shown = shownAgents(model);
  return shown.find(({ name }) => name === model.chosen) ?? shown[0];
}

/** A key as a terminal names it: `j`, `up`, `return`, `ctrl-c`. */
export type TopKey = string;

/** The model after a key, and what the key asks for. */
export function pressed(model: TopModel, key: TopKey): { model: TopModel; order?: TopOrder } {
  if (key === 'ctrl-c') return { model, order: 'quit' };
  if (model.view === 'filter') return { model: typedFilter(model, key) };
  if (model.view !== 'table' && (key === 'q' || key === 'escape' || key === 'return'))
    return { model: { ...model, view: 'table', details: [] } };
  const step = STEPS[key];
  if (step !== undefined) return { model: moved(model, step) };
  const view = VIEWS[key];
  if (view !== undefined) return { model: { ...model, view: model.view === view ? 'table' : view, said: '' } };
  const order = ORDERS[key];
  if (order === undefined) return { model };
  if (order === 'details') return { model: { ...model, view: 'details', said: '' }, order };
  return { model: { ...model, said: '' }, order };
}

const STEPS: Readonly<Record<string, number>> = {
  ...{ j: 1, down: 1, k: -1, up: -1, pagedown: 10, pageup: -10 },
  ...{ home: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY },
};
const VIEWS: Readonly<Record<string, TopView>> = { '/': 'filter', l: 'logs', '?': 'help' };
const ORDERS: Readonly<Record<string, TopOrder>> = {
  ...{ r: 'run', p: 'pause', R: 'restart', a: 'ack', return: 'details', q: 'quit' },
};

function moved(model: TopModel, by: number): TopModel {
  const shown = shownAgents(model);
  const at = shown.findIndex(({ name }) => name === chosenAgent(model)?.name);
  const to = Math.max(0, Math.min(shown.length - 1, at + by));
  return {
    ...model,
    chosen: shown[to]?.name,
    said: '',
    ...(model.view === 'details' ? { view: 'table' as const } : {}),
  };
}

function typedFilter(model: TopModel, key: TopKey): TopModel {
  if (key === 'return') return { ...model, view: 'table' };
  if (key === 'escape') return { ...model, view: 'table', filter: '' };
  if (key === 'backspace') return { ...model, filter: model.filter.slice(0, -1) };
  return /^[\w .-]$/.test(key) ? { ...model, filter: (model.filter + key).slice(0, 40) } : model;
}

/** The model with one more line of the chosen agent. */
export function withLogLine(model: TopModel, line: LogLine): TopModel {
  return { ...model, logs: [...model.logs.slice(1 - MOST_LOG_LINES), line] };
}
