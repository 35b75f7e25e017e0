import type { AgentWebhook, WebhookForm } from '../../jobs/agent.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { given } from '../../kernel/given.ts';
import { checkedSize } from '../../kernel/units.ts';
import type { WebhookSecret } from '../../plugin/define.ts';
import type { AgentFileData } from '../files/agent-file.ts';
import type { ValueProblem } from '../files/issues.ts';
import type { PluginManifest } from '../files/plugin-manifest.ts';
import type { Pick } from './values.ts';

/** The bounds of deliveries where nobody sets others. */
const WEBHOOK_DEFAULTS = { maxBody: '256KB', perMinute: 600, maxWaiting: 10_000 } as const;

type Verify = Partial<Record<WebhookForm, WebhookSecret>>;

/**
 * The deliveries that an agent takes; undefined: none. An agent file names other secrets and other bounds, or switches deliveries off;
 * the form of the signature is that of the plugin, since the body is of the same sender.
 */
export function resolveWebhook(
  said: AgentFileData['webhook'],
  plugin: PluginManifest['webhook'],
  pick: Pick,
): { webhook: AgentWebhook | undefined } | { wrong: ValueProblem } {
  if (said === false) {
    pick('webhook', false, undefined, false);
    return { webhook: undefined };
  }
  if (!plugin) return said ? { wrong: noWebhook() } : { webhook: undefined };
  const form = formOf(plugin.verify);
  const asked = said?.verify && formOf(said.verify as Verify);
  if (asked !== undefined && asked !== form) return { wrong: otherForm(form, asked) };
  const path = `webhook.verify.${form}`;
  const secrets = pick(path, secretsIn(said?.verify as Verify | undefined, form), secretsIn(plugin.verify, form), []);
  const maxBody = pick<string>('webhook.maxBody', said?.maxBody, plugin.maxBody, WEBHOOK_DEFAULTS.maxBody);
  const perMinute = pick<number>('webhook.perMinute', said?.perMinute, plugin.perMinute, WEBHOOK_DEFAULTS.perMinute);
  const maxWaiting = pick<number>(
    'webhook.maxWaiting',
    said?.maxWaiting,
    plugin.maxWaiting,
    WEBHOOK_DEFAULTS.maxWaiting,
  );
  const key = pick<string | undefined>('webhook.key', said?.key, plugin.key, undefined);
  const maxBodyBytes = checkedSize(maxBody, BOUNDS.delivery);
  return { webhook: { form, secrets, ...given({ key }), maxBodyBytes, perMinute, maxWaiting } };
}

/** The form that a checked `verify` names. */
function formOf(verify: Verify): WebhookForm {
  return Object.entries(verify).find(([, secret]) => secret !== undefined)![0] as WebhookForm;
}

function secretsIn(verify: Verify | undefined, form: WebhookForm): string[] | undefined {
  const said = verify?.[form];
  return said === undefined ? undefined : [said].flat();
}

function noWebhook(): ValueProblem {
  return {
    code: 'WEBHOOK_INVALID',
    path: ['webhook'],
    message: 'the plugin takes no deliveries: an agent file only says by which secret and within which bounds',
    next: "write `webhook: { verify: { github: 'NAME' } }` in the plugin, or remove it here",
  };
}

function otherForm(form: WebhookForm, asked: WebhookForm): ValueProblem {
  return {
    code: 'WEBHOOK_INVALID',
    path: ['webhook', 'verify', asked],
    message: `the plugin takes deliveries of the form ${form}, and an agent file cannot name another`,
    next: `write \`verify: { ${form}: NAME }\``,
  };
}
