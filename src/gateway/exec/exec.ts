import { type CommandRunner, createCommandRunner } from './command-runner.ts';
import { execFaults } from './faults.ts';
import type { Exec, ExecNeeds, ExecServiceOptions } from './ports.ts';

/** What the broker needs to kill everything when the host stops, after the grace. */
const STOP_MS = 2_000;

type State =
  | { is: 'new' }
  | { is: 'running'; runner: CommandRunner }
  | { is: 'stopping'; runner: CommandRunner; stopped: Promise<void> };

/**
 * Runs commands in the broker, a process that is there only while it is needed. Whatever dies, nothing runs on: what an
 * attempt leaves is killed by the broker, what the host leaves by the broker, what the broker leaves by the next one.
 */
export function createExec(needs: ExecNeeds, options: ExecServiceOptions): Exec {
  const { graceMs = 1_000 } = options;
  let state: State = { is: 'new' };
  let starts = 0;

  const runner = () => (state.is === 'new' ? undefined : state.runner);

  async function end(last: CommandRunner) {
    await last.end(graceMs + STOP_MS);
    state = { is: 'new' };
  }

  return {
    async start() {
      if (state.is === 'stopping') await state.stopped;
      if (state.is !== 'new') return;
      const first = createCommandRunner(needs, options, `${needs.time.now().toString(36)}.${++starts}`);
      state = { is: 'running', runner: first };
      await first.start();
    },
    async stop() {
      if (state.is === 'running') state = { is: 'stopping', runner: state.runner, stopped: end(state.runner) };
      if (state.is === 'stopping') await state.stopped;
    },
    alive: () => runner()?.alive(),
    run(order) {
      if (state.is !== 'running') return Promise.reject(execFaults.hostStops(order.command));
      return state.runner.run(order);
    },
    stopOne: (attempt, number) => runner()?.stop(attempt, number),
    ended(attempts) {
      for (const attempt of attempts) runner()?.endAttempt(attempt);
    },
    children: (agent) => runner()?.children(agent) ?? [],
  };
}
