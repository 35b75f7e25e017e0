import type { Agent } from '../jobs/agent.ts';
import type { LogLevel } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import type { Workers } from '../workers/ports.ts';

/**
 * The lowest level at which each agent logs: that of a person for a time or until the host ends, else debug while a job is
 * run for debugging, else that of its file, else info. Running workers follow at once.
 */
export interface LogLevels {
  /** The agents in force have changed. */
  use(): void;
  /** A person sets the level. `forMs` left out: until the host ends. Returns the end, epoch ms; null: none. */
  set(agent: string, level: LogLevel, forMs?: number): number | null;
  /** The agent logs at debug level until the returned function is called. A level that a person sets meanwhile stays. */
  debug(agent: string): () => void;
}

interface LogLevelsNeeds {
  time: Pick<Time, 'now' | 'after'>;
  workers: Pick<Workers, 'level'>;
  agents(): ReadonlyMap<string, Pick<Agent, 'logLevel'>>;
}

/** A level that a person has set. */
interface SetLevel {
  level: LogLevel;
  /** Set while a job was run for debugging: it counts more than that. */
  isNewer: boolean;
  /** Ends the clock of its time. */
  stop(): void;
}

/** Workers begin at info, so nothing is said of agents that log from there. */
export function createLogLevels({ time, workers, agents }: LogLevelsNeeds): LogLevels {
  const byPerson = new Map<string, SetLevel>();
  /** Jobs that are run for debugging, by agent. */
  const debugged = new Map<string, number>();
  const inForce = new Map<string, LogLevel>();

  const isDebugged = (agent: string) => (debugged.get(agent) ?? 0) > 0;

  function apply(agent: string) {
    const set = byPerson.get(agent);
    const usual = set?.level ?? agents().get(agent)?.logLevel ?? 'info';
    const level = isDebugged(agent) && !set?.isNewer ? 'debug' : usual;
    if (level === (inForce.get(agent) ?? 'info')) return;
    inForce.set(agent, level);
    workers.level(agent, level);
  }

  function endSet(agent: string) {
    byPerson.get(agent)?.stop();
    byPerson.delete(agent);
  }

  function over(agent: string) {
    endSet(agent);
    apply(agent);
  }

  return {
    use() {
      for (const agent of new Set([...agents().keys(), ...inForce.keys()])) apply(agent);
    },
    set(agent, level, forMs) {
      endSet(agent);
      const stop = forMs === undefined ? () => {} : time.after(forMs, () => over(agent));
      byPerson.set(agent, { level, isNewer: isDebugged(agent), stop });
      apply(agent);
      return forMs === undefined ? null : time.now() + forMs;
    },
    debug(agent) {
      debugged.set(agent, (debugged.get(agent) ?? 0) + 1);
      apply(agent);
      return () => {
        debugged.set(agent, debugged.get(agent)! - 1);
        const set = byPerson.get(agent);
        if (set && !isDebugged(agent)) set.isNewer = false;
        apply(agent);
      };
    },
  };
}
