import type { PlainFault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { type AgentFile, agentFileFault } from '../files/agent-file.ts';
import type { Issue, ValueProblem } from '../files/issues.ts';
import { type Path, type Place, placesIn } from '../files/yaml-place.ts';
import type { ValueSource } from '../ports.ts';
import type { StoredVersion } from '../versions/versions.ts';

/** Plugin, agent file and settings of one agent. */
export interface ResolveTerms {
  name: string;
  version: StoredVersion;
  /** undefined: the plugin runs under its own name. */
  file: AgentFile | undefined;
  hostTimezone: string;
  /** The issues that the plugin's schema found in the settings. */
  settingsIssues: readonly Issue[];
}

/** The value of the file, else of the plugin, else the default; notes its origin. */
export type Pick = <T>(path: string, ofFile: T | undefined, ofPlugin: T | undefined, fallback: T) => T;

/** The values of one agent, noted with their origins as they are picked. */
export interface Values {
  origins: ValueSource[];
  pick: Pick;
  /** `agents/x.yaml:6:3`; of an agent without a file the source of its plugin. */
  saidAt(path: (string | number)[]): string;
}

/** Values of an agent of which none is picked yet. */
export function createValues({ version, file }: ResolveTerms): Values {
  const origins: ValueSource[] = [];
  const saidAt = file ? originsIn(file) : () => version.entry;
  return {
    origins,
    saidAt,
    pick(path, ofFile, ofPlugin, fallback) {
      const origin =
        ofFile !== undefined ? saidAt(path.split('.')) : ofPlugin !== undefined ? version.entry : 'default';
      const value = ofFile ?? ofPlugin ?? fallback;
      if (value !== undefined) origins.push({ path, value, origin });
      return value;
    },
  };
}

/** The fault of a value of the agent's file, or of its plugin where the agent has no file. */
export function valueFault({ version, file }: ResolveTerms, wrong: ValueProblem): PlainFault {
  return file ? agentFileFault(file, wrong) : pluginFault(version, wrong);
}

/** The fault of a value of the plugin. The fault has no path: the place of a value in a source is not known. */
export function pluginFault({ entry }: { entry: string }, { code, message, next }: ValueProblem): PlainFault {
  return { code, message, ...given({ next }), file: entry };
}

/** The place of a value in the file: `agents/x.yaml:6:3`. */
function originsIn(agent: AgentFile): (path: Path) => string {
  const place = placesIn(agent.text);
  return (path) => originText(agent.file, place(path, 'key'));
}

function originText(file: string, { line, column }: Place): string {
  return `${file}:${line}:${column}`;
}
