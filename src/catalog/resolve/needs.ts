import type { Agent } from '../../jobs/agent.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import type { Needs } from '../../plugin/define.ts';
import { agentFileFault } from '../files/agent-file.ts';
import { narrowNeeds } from '../files/needs.ts';
import type { ValueSource } from '../ports.ts';
import { hostsOf, isSettingOf } from './net.ts';
import { pluginFault, type ResolveTerms, type Values, valueFault } from './values.ts';

/** The needs of the plugin, narrowed by the agent's file; a fault where the file asks for more. */
export function resolveNeeds(terms: ResolveTerms): { needs: Agent['needs'] } | { fault: PlainFault } {
  const granted = withHosts(terms, terms.version.manifest.needs, 'plugin');
  if ('fault' in granted) return granted;
  const asked = withHosts(terms, terms.file?.data.needs, 'file');
  if ('fault' in asked) return asked;
  const narrowed = narrowNeeds(granted.needs, asked.needs);
  if (!('widened' in narrowed)) return narrowed;
  const next = 'remove it here, or let the plugin need it';
  return { fault: agentFileFault(terms.file!, { code: 'NEEDS_WIDENED', ...narrowed.widened, next }) };
}

/** Notes the origins of the needs; returns the places in the file that narrow them. */
export function noteNeeds(
  { version, file }: ResolveTerms,
  needs: Agent['needs'],
  { pick, saidAt, origins }: Values,
): NonNullable<Agent['narrowed']> {
  const said = file?.data.needs;
  const { needs: granted } = version.manifest;
  const narrowed: NonNullable<Agent['narrowed']> = {};
  for (const [key, value] of Object.entries(needs)) {
    const need = key as keyof typeof needs;
    pick(`needs.${key}`, said?.[need] === undefined ? undefined : value, granted?.[need] && value, value);
    if (said?.[need] !== undefined) narrowed[need] = saidAt(['needs', key]);
  }
  noteSettingsOfNet(said?.net ?? granted?.net ?? [], origins);
  return narrowed;
}

/** The needs with the hosts that settings name in place of those settings. */
function withHosts(
  terms: ResolveTerms,
  needs: Needs | undefined,
  by: 'plugin' | 'file',
): { needs: Needs | undefined } | { fault: PlainFault } {
  if (!needs?.net?.some(isSettingOf)) return { needs };
  const { version, file } = terms;
  const found = hostsOf(needs.net, file?.data.settings ?? {}, version.manifest.settingsSchema);
  if ('net' in found) return { needs: { ...needs, net: found.net } };
  const { index, path, at, message } = found.wrong;
  if (at === 'value') {
    const wrong = { code: 'SETTINGS_INVALID', path: ['settings', ...path], message, next: 'write a URL' };
    return { fault: valueFault(terms, file ? wrong : { ...wrong, message: `settings.${path.join('.')} ${message}` }) };
  }
  const wrong = { code: 'NEEDS_INVALID', path: ['needs', 'net', index], message };
  return { fault: by === 'file' ? valueFault(terms, wrong) : pluginFault(version, wrong) };
}

/** Adds to the origin of `needs.net` the origins of the settings that name its hosts. */
function noteSettingsOfNet(net: readonly string[], origins: ValueSource[]): void {
  const at = origins.find(({ path }) => path === 'needs.net');
  const of = net.filter(isSettingOf).map((entry) => {
    const said = origins.find(({ path }) => entry === path || entry.startsWith(`${path}.`));
    return said ? `${entry} of ${said.origin}` : entry;
  });
  if (at && of.length > 0) at.origin += ` (${of.join(', ')})`;
}
