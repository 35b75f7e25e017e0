import { type CommandGrant, grantText } from '../../kernel/command-grant.ts';
import { dollarWords } from './bill.ts';

/** The value of a need or a limit, for people: `api.example, *.shop.example`, `git log *`, `5 calls, $0.5 a day`. */
export function needWord(value: unknown): string {
  if (Array.isArray(value)) return value.map(needWord).join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  return 'command' in value ? grantText(value as CommandGrant) : dayLimits(value);
}

/** Limits of a day: calls, tokens and money. */
function dayLimits(limits: object): string {
  const words = Object.entries(limits).map(([name, most]) => {
    if (name === 'money') return dollarWords(Number(most));
    return `${typeof most === 'number' ? most.toLocaleString('en') : most} ${name}`;
  });
  return `${words.join(', ')} a day`;
}
