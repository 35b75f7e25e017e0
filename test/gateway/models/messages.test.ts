import { expect, test } from 'vitest';
import type {
  CallRefusal,
  ChatMessage,
  ChatRequest,
  LlmAccess,
  ModelFacts,
  RungReply,
  RungRequest,
  RungState,
  RungVerdict,
} from '../../../src/gateway/models/ports.ts';
import { readFromGateway } from '../../../src/gateway/models/read-messages.ts';
import {
  FROM_GATEWAY,
  type FromGateway,
  GATEWAY_CHANNEL_FD,
  TO_GATEWAY,
  type ToGateway,
} from '../../../src/gateway/models/wire.ts';

const usage = { promptTokens: 10, completionTokens: 3 };
const MESSAGES: FromGateway[] = [
  { say: 'listening', port: 7171 },
  { say: 'failed', fault: { code: 'PORT_TAKEN', message: 'no port is free' } },
  { say: 'pong', n: 3 },
  {
    ...{ say: 'begin', id: 'c1', worker: 'shop-1', job: '17', attempt: 1, model: 'auto' },
    rungs: [{ name: 'groq', model: 'openai/gpt-oss-120b' }],
    skipped: [{ name: 'cerebras', why: 'closed', retryAt: null }],
    estimate: { promptTokens: 10, maxTokens: 1_000 },
  },
  { say: 'pass', id: 'c1', rung: 'groq' },
  {
    ...{ say: 'tried', id: 'c1', rung: 'groq', model: 'm', pass: 4, verdict: 'next' },
    end: { is: 'bad', ms: 12, failure: { what: '500 Internal Server Error', status: 500 } },
  },
  { say: 'end', id: 'c1', tries: [{ rung: 'groq', model: 'm', usage, verdict: 'good' }], down: null },
  { say: 'unfit', rung: 'groq', model: 'm' },
  { say: 'resolved', rung: 'groq', model: 'm', gone: [], why: null },
  { say: 'state', rung: 'groq', model: null, is: 'cooling', until: 1, why: '429' },
  { say: 'checked', id: 1, ok: true, tookMs: 12.5, usage, model: 'm', why: null },
];

test('each message of a gateway is read, and what is none is refused', () => {
  for (const message of MESSAGES) expect(readFromGateway(JSON.parse(JSON.stringify(message)))).toEqual(message);
  for (const message of MESSAGES)
    for (const field of Object.keys(message))
      expect(() => readFromGateway({ ...message, [field]: { toString: 1 } })).toThrow(/a message/);
  for (const odd of [null, 7, [], {}, { say: 'toString' }, { say: 'go' }]) expect(() => readFromGateway(odd)).toThrow();
});

/** The types that the parts of the gateway meet at. */
type Contract = [
  CallRefusal,
  ChatMessage,
  ChatRequest,
  LlmAccess,
  ModelFacts,
  RungReply,
  RungRequest,
  RungState,
  RungVerdict,
  ToGateway,
];

test('both sides of the pipe bound what they read', () => {
  expect(GATEWAY_CHANNEL_FD).toBe(3);
  expect(FROM_GATEWAY.bytes).toBeLessThan(TO_GATEWAY.bytes);
  expect<Contract['length']>(10).toBe(10);
});
