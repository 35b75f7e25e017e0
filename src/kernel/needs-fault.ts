import type { PlainFault } from './fault.ts';

/** A right that an agent can ask for, by its key in `needs`. */
export type NeedName = 'net' | 'read' | 'write' | 'exec' | 'kill' | 'modules' | 'fleet' | 'llm' | 'secrets';

interface Denial {
  agent: string;
  need: NeedName;
  /** The entry as it would stand in `needs`: `127.0.0.1:8099`, `notes/today.md`, `git`, `node:sqlite`. */
  asked: string;
  /** Instead of the plain sentence. */
  message?: string;
}

/** The fault of an agent whose needs do not name what it asked for. `data` holds the need and what was asked for. */
export function notInNeeds({ agent, need, asked, message }: Denial): PlainFault {
  return {
    code: 'NOT_IN_NEEDS',
    message: message ?? `${asked} is not in needs.${need} of agent ${agent}`,
    next: `add ${needText(need, asked)} to needs`,
    data: { need, asked },
  };
}

/** The refusal of every use of `context.fleet`. */
export function fleetNotInNeeds(agent: string): PlainFault {
  return notInNeeds({ agent, need: 'fleet', asked: 'fleet', message: `fleet is not in needs of agent ${agent}` });
}

/** The refusal of every use of `context.llm`. */
export function llmNotInNeeds(agent: string): PlainFault {
  return notInNeeds({ agent, need: 'llm', asked: 'llm', message: `llm is not in needs of agent ${agent}` });
}

/** The text to write into `needs`: `net: ['127.0.0.1:8099']`. */
export function needText(need: string, asked: string): string {
  return need === 'fleet' || need === 'llm' ? `${need}: true` : `${need}: [${quoted(asked)}]`;
}

/** The need and what was asked for, of a fault that {@link notInNeeds} made and a grant would end. */
export function denialOf({ code, data }: PlainFault): { need: string; asked: string } | undefined {
  const { need, asked } = data ?? {};
  const isOne = code === 'NOT_IN_NEEDS' || data?.cause === 'NOT_IN_NEEDS';
  return isOne && typeof need === 'string' && typeof asked === 'string' ? { need, asked } : undefined;
}

function quoted(text: string): string {
  return text.includes("'") ? JSON.stringify(text) : `'${text}'`;
}
