/** A state machine as the page shows it: its step function, and one example of every state and of every event. */
export interface Machine<State extends { is: string }, Event extends { is: string }> {
  title: string;
  /** The file that holds the step function. */
  file: string;
  about: string;
  step(state: State, event: Event): State | 'refused';
  /** Examples by the heading that the table gives them; the first one is where it begins. */
  states: Record<string, State>;
  /** Examples by the words that the table gives them. */
  events: Record<string, Event>;
}

/** The page's part about one machine: a diagram and a table, both enumerated from the step function. */
export function partOf<S extends { is: string }, E extends { is: string }>(machine: Machine<S, E>): string {
  const { title, file, about } = machine;
  return [
    `## ${title}`,
    `\`${file}\`. ${about}`,
    ['```mermaid', ...diagramOf(machine), '```'].join('\n'),
    tableOf(machine).join('\n'),
  ].join('\n\n');
}

function diagramOf<S extends { is: string }, E extends { is: string }>({ step, states, events }: Machine<S, E>) {
  const ways = new Map<string, Set<string>>();
  const names = [...new Set(Object.values(states).map(({ is }) => is))];
  for (const state of Object.values(states)) {
    for (const event of Object.values(events)) {
      const next = outcome(step, state, event);
      if (next === undefined) continue;
      const way = `${idOf(state.is)} --> ${idOf(next.is)}`;
      ways.set(way, (ways.get(way) ?? new Set()).add(event.is));
    }
  }
  const leaves = (name: string) => [...ways.keys()].some((way) => way.startsWith(`${idOf(name)} -->`));
  return [
    'stateDiagram-v2',
    ...names.filter((name) => idOf(name) !== name).map((name) => `  state "${name}" as ${idOf(name)}`),
    `  [*] --> ${idOf(names[0]!)}`,
    ...[...ways].map(([way, by]) => `  ${way}: ${[...by].join(', ')}`),
    ...names.filter((name) => !leaves(name)).map((name) => `  ${idOf(name)} --> [*]`),
  ];
}

function tableOf<S extends { is: string }, E extends { is: string }>({ step, states, events }: Machine<S, E>) {
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const columns = Object.entries(states);
  return [
    row(['event', ...columns.map(([heading]) => heading)]),
    row(['---', ...columns.map(() => '---')]),
    ...Object.entries(events).map(([words, event]) =>
      row([words, ...columns.map(([, state]) => outcome(step, state, event)?.is ?? '·')]),
    ),
  ];
}

/** undefined: nothing changes. */
function outcome<S extends { is: string }, E>(step: (state: S, event: E) => S | 'refused', state: S, event: E) {
  const next = step(state, event);
  return next === 'refused' || next === state ? undefined : next;
}

function idOf(name: string): string {
  return name.replaceAll('-', '_');
}
