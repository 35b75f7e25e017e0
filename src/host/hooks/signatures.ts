import { createHmac } from 'node:crypto';
import type { DeliveryHeaders } from '../../control/web-channel.ts';
import type { WebhookForm } from '../../jobs/agent.ts';
import { MINUTE_MS } from '../../kernel/measures.ts';
import { isSameSecret } from '../../kernel/sha256.ts';

/** The reason why a delivery proves nothing; undefined: it was signed with one of the secrets. */
export type Unproven = 'signature missing' | 'signature wrong' | 'signature too old';

interface Signed {
  headers: DeliveryHeaders;
  body: Uint8Array;
}

/** Signatures with a time are taken this long before and after it: as Stripe and Slack ask for. */
const TOLERANCE_MS = 5 * MINUTE_MS;
/** Stripe sends a signature for each secret that is in force. */
const MOST_SIGNATURES = 8;

/**
 * Checks that the sender knows one of the secrets. Each comparison takes as long for a wrong signature as for a right signature. `now`: epoch ms.
 * Pure.
 */
export function checkSignature(
  form: WebhookForm,
  secrets: readonly string[],
  signed: Signed,
  now: number,
): Unproven | undefined {
  const { at, signatures, text } = FORMS[form](signed.headers);
  // A sender without a signature of this form learns nothing by the time of the answer.
  if (signatures.length === 0 || text === undefined) hmac('', '', signed.body);
  if (signatures.length === 0) return 'signature missing';
  let isRight = false;
  for (const secret of secrets) {
    const expected = text === undefined ? secret : hmac(secret, text, signed.body);
    for (const signature of signatures.slice(0, MOST_SIGNATURES))
      isRight = isSameSecret(signature, expected) || isRight;
  }
  if (!isRight) return 'signature wrong';
  // NaN is too old.
  return at === undefined || Math.abs(now - at) <= TOLERANCE_MS ? undefined : 'signature too old';
}

/** Parts of a signature: the text before the body that was signed with it (undefined: the secret itself was sent), and its time, epoch ms. */
interface Parts {
  signatures: string[];
  text: string | undefined;
  at?: number;
}

const FORMS: Readonly<Record<WebhookForm, (headers: DeliveryHeaders) => Parts>> = {
  github: (headers) => ({ signatures: after('sha256=', headers['x-hub-signature-256']), text: '' }),
  stripe(headers) {
    const fields = (headers['stripe-signature'] ?? '').split(',').map((field) => field.trim());
    const time = fields.find((field) => field.startsWith('t='))?.slice(2) ?? '';
    const signatures = fields.flatMap((field) => after('v1=', field));
    return { signatures, text: `${time}.`, at: secondsOf(time) };
  },
  slack(headers) {
    const time = headers['x-slack-request-timestamp'] ?? '';
    return { signatures: after('v0=', headers['x-slack-signature']), text: `v0:${time}:`, at: secondsOf(time) };
  },
  bearer: ({ authorization }) => ({
    signatures: /^bearer +\S+$/i.test(authorization ?? '') ? [authorization!.slice(7).trim()] : [],
    text: undefined,
  }),
};

function after(prefix: string, said: string | undefined): string[] {
  return said?.startsWith(prefix) ? [said.slice(prefix.length)] : [];
}

function secondsOf(text: string): number {
  return /^\d{1,12}$/.test(text) ? Number(text) * 1_000 : Number.NaN;
}

function hmac(secret: string, text: string, body: Uint8Array): string {
  return createHmac('sha256', secret).update(text).update(body).digest('hex');
}
