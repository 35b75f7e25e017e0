import type { InForce } from '../in-force.ts';
import type { Rollouts } from '../ports.ts';
import { createVersions } from '../versions/versions.ts';
import { NO_ROLLOUT } from './rollout.ts';
import { lookUpVersions } from './rollouts.ts';

/**
 * The versions in the folder `folder`, as the last host left them: read at each call, nothing is changed. `inForce`: what that
 * host had in force.
 */
export async function keptVersions(
  folder: string,
  { agents, rollouts }: InForce,
): Promise<Pick<Rollouts, 'versionsOf' | 'sourcesOf'>> {
  const versions = createVersions(folder);
  await versions.look();
  const selections = new Map(
    [...agents].map(([name, inForce]) => {
      const rollout = rollouts.get(name) ?? NO_ROLLOUT;
      const isTried = rollout.probation?.fingerprint === inForce.agent.fingerprint;
      return [name, { inForce, rollout, is: isTried ? 'probation' : 'good' }];
    }),
  );
  return lookUpVersions(versions, () => selections);
}
