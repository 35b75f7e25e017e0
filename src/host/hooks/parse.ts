import type { DeliveryHeaders } from '../../control/web-channel.ts';
import type { WebhookForm } from '../../jobs/agent.ts';
import { Fault } from '../../kernel/fault.ts';
import { sha256 } from '../../kernel/sha256.ts';
import { isJsonText } from '../../kernel/shape.ts';
import { valueAt } from '../../kernel/value-at.ts';
import type { Delivery, Json } from '../../plugin/context.ts';

/** A delivery that was read: the input of its job, and the answer of its own that the sender waits for. */
export interface ReadDelivery {
  input: Delivery;
  /** The key of the job; null: each delivery is a job of its own. */
  key: string | null;
  /** The delivery asks whether somebody is there, and gives no job: `ping` of GitHub, `url_verification` of Slack. */
  reply?: Json;
}

interface Received {
  form: WebhookForm;
  headers: DeliveryHeaders;
  body: Uint8Array;
  /** The path of the id in the body. */
  key?: string | undefined;
}

type Fields = { [name: string]: Json };

/** Keys of jobs are no longer; a longer id is known by its hash. */
const LONGEST_KEY = 200;
const LONGEST_EVENT = 200;

/**
 * Reads a delivery whose sender is proven. Throws `HOOK_TYPE` for a content type that is neither JSON nor a form, `HOOK_BODY` for a body that
 * is not what it says, `HOOK_KEY` when the body has no id where the plugin looks for it. Pure.
 */
export function readDelivery({ form, headers, body: bytes, key: path }: Received): ReadDelivery {
  const body = bodyOf(headers['content-type'], bytes);
  const fields = fieldsOf(body);
  const event = eventOf(form, headers, fields)?.slice(0, LONGEST_EVENT) ?? null;
  const reply = replyOf(form, event, fields);
  const id = path === undefined || reply !== undefined ? ownIdOf(form, headers, fields) : idAt(body, path);
  return {
    input: { event, delivery: id, body },
    key: id !== null && id.length > LONGEST_KEY ? sha256(id) : id,
    ...(reply === undefined ? {} : { reply }),
  };
}

/** Whether the body is a form: those of Slack are sent by people, who see each word of the answer. */
export function isForm(type: string | undefined): boolean {
  return /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type ?? '');
}

function bodyOf(type: string | undefined, bytes: Uint8Array): Json {
  const text = textOf(bytes);
  if (isForm(type)) return formOf(text);
  if (type !== undefined && !/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type))
    throw new Fault({
      code: 'HOOK_TYPE',
      message: 'a delivery is application/json or application/x-www-form-urlencoded',
    });
  return jsonOf(text);
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Fault({ code: 'HOOK_BODY', message: 'the body is not UTF-8' });
  }
}

function jsonOf(text: string): Json {
  if (!isJsonText(text)) throw new Fault({ code: 'HOOK_BODY', message: 'the body is no JSON, or nested too deeply' });
  return JSON.parse(text) as Json;
}

/** The JSON in the field `payload`, as GitHub and Slack send it; else all fields, a field that comes twice as a list. */
function formOf(text: string): Json {
  const fields = new URLSearchParams(text);
  const payload = fields.get('payload');
  if (payload !== null) return jsonOf(payload);
  const names = [...new Set(fields.keys())];
  const values = names.map((name): [string, Json] => {
    const all = fields.getAll(name);
    return [name, all.length === 1 ? all[0]! : all];
  });
  return Object.fromEntries(values);
}

function fieldsOf(body: Json): Fields {
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? body : {};
}

function eventOf(form: WebhookForm, headers: DeliveryHeaders, fields: Fields): string | null {
  if (form === 'github') return headers['x-github-event'] ?? null;
  if (form === 'bearer') return null;
  if (form === 'stripe') return textIn(fields, 'type');
  if (fields.type === 'event_callback') return textIn(fieldsOf(fields.event ?? null), 'type');
  return textIn(fields, 'type') ?? (textIn(fields, 'command') === null ? null : 'slash_command');
}

function ownIdOf(form: WebhookForm, headers: DeliveryHeaders, fields: Fields): string | null {
  switch (form) {
    case 'github':
      return headers['x-github-delivery'] ?? null;
    case 'stripe':
      return textIn(fields, 'id');
    case 'slack':
      // A delivery that Slack sends again has the signature of before, if no id.
      return textIn(fields, 'event_id') ?? textIn(fields, 'trigger_id') ?? headers['x-slack-signature'] ?? null;
    case 'bearer':
      return headers['idempotency-key'] ?? null;
  }
}

function idAt(body: Json, path: string): string {
  const at = valueAt(body, path);
  if ((typeof at === 'string' && at !== '') || typeof at === 'number') return String(at);
  throw new Fault({ code: 'HOOK_KEY', message: `the body has no id at ${path}` });
}

function replyOf(form: WebhookForm, event: string | null, fields: Fields): Json | undefined {
  if (form === 'github' && event === 'ping') return { pong: true };
  if (form === 'slack' && event === 'url_verification') return { challenge: textIn(fields, 'challenge') ?? '' };
  return undefined;
}

function textIn(fields: Fields, name: string): string | null {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return typeof value === 'string' && value !== '' ? value : null;
}
