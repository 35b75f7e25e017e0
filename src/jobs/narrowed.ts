import { denialOf, needText } from '../kernel/needs-fault.ts';
import type { Agent } from './agent.ts';
import type { AttemptEnd } from './step.ts';

/** Where an agent file narrows the plugin's needs, a right that is missing is missing there first: said with its line. */
export function withNarrowing(end: AttemptEnd, { narrowed }: Pick<Agent, 'narrowed'>): AttemptEnd {
  if (end.is !== 'failed' || !narrowed) return end;
  const denial = denialOf(end.fault);
  const at = denial && narrowed[denial.need as keyof typeof narrowed];
  if (!denial || !at) return end;
  const plugin = /: (\S+:\d+)$/.exec(end.fault.next ?? '')?.[1];
  const next = `add ${needText(denial.need, denial.asked)} to needs: ${at}, which narrows the plugin's own${plugin ? ` (${plugin})` : ''}`;
  return { ...end, fault: { ...end.fault, next } };
}
