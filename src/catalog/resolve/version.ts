import { Fault } from '../../kernel/fault.ts';
import type { Idle } from '../coordination.ts';
import type { SettingsCheck } from '../files/settings-check.ts';
import { type Resolved, resolveAgent } from './agent.ts';
import type { ResolveTerms } from './values.ts';

/** Asking a schema that is not in memory starts a process. */
const ASK_MS = 20_000;

/** An agent on a version that its plugin does not have now. Rejects with a Fault when its file does not fit the version. */
export async function resolveVersion(
  terms: Omit<ResolveTerms, 'settingsIssues'>,
  checks: SettingsCheck,
  idle: Idle,
): Promise<Resolved> {
  const { name, version, file } = terms;
  const settings = file?.data.settings ?? {};
  if (!checks.issuesOf(version, settings)) {
    checks.ask([{ version, settings }]);
    await idle.wait(ASK_MS);
  }
  const settingsIssues = checks.issuesOf(version, settings);
  if (!settingsIssues) {
    const message = `whether the settings of ${name} fit version ${version.ref.id} could not be found out in time`;
    throw new Fault({ code: 'SETTINGS_UNCHECKED', message, next: 'try again' });
  }
  const resolved = resolveAgent({ ...terms, settingsIssues });
  if ('fault' in resolved) throw new Fault(resolved.fault);
  return resolved;
}
