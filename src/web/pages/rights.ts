import type { Ops } from '../../control/protocol.ts';
import { needWord } from '../../control/words/need.ts';

type ConfigValues = Ops['configShow']['value']['values'];

const NEEDS: Readonly<Record<string, (list: string) => string>> = {
  secrets: (list) => `reads the secrets ${list}`,
  env: (list) => `reads the variables ${list}`,
  net: (list) => `calls ${list}`,
  read: (list) => `reads ${list}`,
  write: (list) => `writes ${list}`,
  exec: (list) => `runs ${list}`,
  kill: (list) => `ends processes of ${list}`,
  modules: (list) => `loads ${list}`,
  fleet: () => 'may act on the fleet',
  llm: (limits) => (limits === 'true' ? 'asks models' : `asks models, at most ${limits}`),
};

const LIMITS: Readonly<Record<string, string>> = {
  memory: 'memory',
  timeout: 'ends after',
  silence: 'may be silent for',
  attempts: 'attempts',
  'backoff.first': 'first pause between attempts',
  'backoff.longest': 'longest pause',
  grace: 'time to end after a signal',
  staleAfter: 'of no use after',
};

/** The rights of an agent beside its own data folder, a sentence each; empty for an agent without rights. */
export function rightWords(values: ConfigValues): string[] {
  return valuesBelow('needs.', values).map(([name, value]) =>
    (NEEDS[name] ?? ((list) => `${name} ${list}`))(needWord(value)),
  );
}

/** The limits of an agent in words: `ends after 5m`. */
export function limitLines(values: ConfigValues): string[] {
  return valuesBelow('limits.', values).map(([name, value]) => `${LIMITS[name] ?? name} ${needWord(value)}`);
}

function valuesBelow(prefix: string, values: ConfigValues): [string, unknown][] {
  return values
    .filter(({ path, value }) => path.startsWith(prefix) && value && !(Array.isArray(value) && value.length === 0))
    .map(({ path, value }) => [path.slice(prefix.length), value]);
}
