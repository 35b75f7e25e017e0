import type { SecretsView } from '../../control/protocol.ts';
import type { EnvFile } from './env-file.ts';
import type { SecretFacts } from './secrets.ts';

/** What `daruma secrets` tells: names and places, never a value. Pure. */
export function viewSecrets(facts: readonly SecretFacts[], { isThere, values, problems, notes }: EnvFile): SecretsView {
  const declared = new Set(facts.flatMap(({ name }) => [name, `${name}_FILE`]));
  return {
    secrets: facts.map(({ name, found, agents }) => ({
      name,
      where: found.is === 'found' ? found.where : null,
      missing: found.is === 'found' ? null : found.is === 'missing' ? found.why : `${found.file}: ${found.why}`,
      agents,
    })),
    envFile: { isThere, unused: [...values.keys()].filter((name) => !declared.has(name)).sort() },
    problems,
    notes,
  };
}
