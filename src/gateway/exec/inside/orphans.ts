import { type Process, processName } from './process-table.ts';

/** A command that has not wholly ended, by its first process. */
interface LivingCommand {
  mark: string;
  root: { pid: number; start: number };
}

/** The orphans of one look. */
interface FoundOrphans {
  /** Those that can only be of one command, by its mark. */
  byMark: ReadonlyMap<string, readonly Process[]>;
  /** Those whose command has ended: nobody waits for them. */
  ownerless: readonly Process[];
}

/** Finds the commands of processes that have lost their parents, look by look. */
interface Orphans {
  /** `strangers`: children that the broker was given, and that no command is known to have. */
  look(strangers: readonly Process[], commands: readonly LivingCommand[]): FoundOrphans;
}

/**
 * A process whose parents have all ended becomes a child of the broker, its subreaper. A process that cleared its
 * environment and began a session of its own before the first look is known by nothing else. The process counts to a command that was
 * there when it started; where that can be several, it lives until the last of them has ended.
 */
export function createOrphans(): Orphans {
  /** The marks of the commands that may have started each orphan. */
  let owners = new Map<string, ReadonlySet<string>>();

  return {
    look(strangers, commands) {
      const living = new Set(commands.map(({ mark }) => mark));
      const byMark = new Map<string, Process[]>();
      const ownerless: Process[] = [];
      const seen = new Map<string, ReadonlySet<string>>();
      for (const one of strangers) {
        const name = processName(one);
        const possible = owners.get(name) ?? ownersOf(one, commands);
        seen.set(name, possible);
        const [only] = possible;
        if (possible.size === 1 && living.has(only!)) byMark.set(only!, [...(byMark.get(only!) ?? []), one]);
        else if (!possible.values().some((mark) => living.has(mark))) ownerless.push(one);
      }
      owners = seen;
      return { byMark, ownerless };
    },
  };
}

function ownersOf(one: Process, commands: readonly LivingCommand[]): ReadonlySet<string> {
  return new Set(commands.flatMap(({ mark, root }) => (root.start <= one.start ? [mark] : [])));
}
