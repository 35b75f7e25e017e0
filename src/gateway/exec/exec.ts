import { findCommandFence } from './command-fence.ts';
import { type CommandRunner, createCommandRunner } from './command-runner.ts';
import { execFaults } from './faults.ts';
import type { CommandFence, Exec, ExecNeeds, ExecServiceOptions } from './ports.ts';

/** The time that the broker needs, after the grace, to kill every command when the host stops. */
const STOP_MS = 2_000;

type State =
  | { is: 'new' }
  | { is: 'running'; runner: CommandRunner }
  | { is: 'stopping'; runner: CommandRunner; stopped: Promise<void> };

/**
 * Runs commands in the broker, a process that is there only while agents run commands. No process runs on, whichever side dies: the
 * broker kills what an attempt leaves and what the host leaves, and the next broker kills what a broker leaves.
 */
export function createExec(needs: ExecNeeds, options: ExecServiceOptions): Exec {
  const { graceMs = 1_000, fence: mode = 'auto' } = options;
  let found: Promise<CommandFence> | undefined;
  let state: State = { is: 'new' };
  let starts = 0;

  const runner = () => (state.is === 'new' ? undefined : state.runner);

  /** The fence, found once: a bubblewrap that is installed while the host runs counts from the host's next start. */
  function fence(): Promise<CommandFence> {
    found ??= findCommandFence(mode);
    return found;
  }

  async function end(last: CommandRunner) {
    await last.end(graceMs + STOP_MS);
    state = { is: 'new' };
  }

  return {
    async start() {
      if (state.is === 'stopping') await state.stopped;
      if (state.is !== 'new') return;
      // The start fails when the fence that is set does not work.
      if (mode === 'bwrap') await fence();
      const session = `${needs.time.now().toString(36)}.${++starts}`;
      const first = createCommandRunner(needs, options, { session, fence });
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
    fence,
  };
}
