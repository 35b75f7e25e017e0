import { BOUNDS } from '../../kernel/bounds.ts';
import { callEndCheck } from '../../kernel/origin.ts';
import {
  type Check,
  checkMessage,
  isAmount,
  isBoolean,
  listOf,
  oneOf,
  orNone,
  orNull,
  type Shape,
  shapeOf,
  textUpTo,
} from '../../kernel/shape.ts';
import type { FromGateway } from './wire.ts';

const count: Check = (said) => Number.isSafeInteger(said) && (said as number) >= 0;
const name = textUpTo(200);
const id = textUpTo(64);
const words = textUpTo(4_000);
const tokens: Check = (said) => count(said) && (said as number) <= BOUNDS.tokens.most;
const usage = orNull(shapeOf({ promptTokens: tokens, completionTokens: tokens }));
const verdict = oneOf(['good', 'wait', 'next', 'closed', 'caller', 'unusable', 'gone']);
const callEnd = callEndCheck(words);

const MESSAGES: Readonly<Record<FromGateway['say'], Shape>> = {
  listening: { port: count },
  failed: { fault: shapeOf({ code: textUpTo(100), message: words }) },
  pong: { n: count },
  begin: {
    ...{ id, worker: name, job: name, attempt: count, model: name },
    rungs: listOf(shapeOf({ name, model: name }), 20),
    skipped: listOf(shapeOf({ name, why: words, retryAt: orNull(isAmount) }), 20),
    estimate: shapeOf({ promptTokens: tokens, maxTokens: tokens }),
  },
  pass: { id, rung: name },
  tried: { id, rung: name, model: name, pass: count, end: callEnd, verdict },
  end: {
    id,
    tries: listOf(shapeOf({ rung: name, model: name, usage, verdict, mayBeBilled: orNone(isBoolean) }), 100),
    down: orNull(shapeOf({ code: textUpTo(100), message: words })),
  },
  unfit: { rung: name, model: name },
  resolved: { rung: name, model: orNull(name), gone: listOf(name, 20), why: orNull(words) },
  state: {
    ...{ rung: name, model: orNull(name), is: oneOf(['ready', 'cooling', 'closed']) },
    ...{ until: orNull(count), why: orNull(words) },
  },
  checked: { id: count, ok: isBoolean, tookMs: isAmount, usage, model: orNull(name), why: orNull(words) },
};

/** Throws for what is no message of a model gateway. */
export function readFromGateway(message: unknown): FromGateway {
  checkMessage(message, MESSAGES);
  return message as FromGateway;
}
