import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultRounds, startFaultGateway } from './fault-rounds.ts';
import { FAULT_NAMES } from './servers/faults.ts';

const ROUNDS = 2;

describe('a rung, over a real gateway process', () => {
  let to: Awaited<ReturnType<typeof startFaultGateway>>;
  beforeAll(async () => {
    to = await startFaultGateway(400, 300);
  });
  afterAll(() => to?.stop());

  for (const isStream of [false, true])
    it(`with a fault ends each ${isStream ? 'streamed' : 'whole'} call as its verdict says, and nothing is charged twice`, async () => {
      for (const fault of FAULT_NAMES) {
        // Learnt in the first round and never sent again.
        const isLearnt = fault === '400 unsupported' || fault === '400 effort';
        if (isLearnt && isStream) continue;
        const { wrong, doubleSpends } = await faultRounds(to, fault, isStream, isLearnt ? 1 : ROUNDS);
        expect([fault, wrong, doubleSpends]).toEqual([fault, [], 0]);
      }
    });

  const TOOLS = [
    {
      type: 'function',
      function: { name: 'lookup', parameters: { type: 'object', properties: { id: { type: 'integer' } } } },
    },
  ];

  it('that cannot stream tools is asked for the whole answer, and its caller gets a stream', async () => {
    const { groq, cerebras, ask } = to.gateway;
    groq.next('500');
    const messages = [{ role: 'user', content: 'Look it up.' }];
    const response = await ask({ model: 'auto', stream: true, messages, tools: TOOLS, parallel_tool_calls: true });
    const text = await response.text();
    expect(response.headers.get('x-daruma-rung')).toBe('cerebras');
    expect(text).toContain('"function":{"name":"lookup","arguments":"{\\"id\\":1}"}');
    expect(text).toContain('"finish_reason":"tool_calls"');
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    const sent = cerebras.chats().at(-1)!.body!;
    expect(sent).not.toHaveProperty('stream');
    expect(sent).not.toHaveProperty('parallel_tool_calls');
  });

  it('of a model of this machine has a context that fits, and answers in the same form; what cannot fit is not sent, and not waited for', async () => {
    const { ollama, ask } = to.gateway;
    const long = (words: number) => ({ model: 'ollama', messages: [{ role: 'user', content: 'word '.repeat(words) }] });
    const response = await ask({ ...long(5_000), tools: TOOLS });
    expect(await response.json()).toMatchObject({
      choices: [
        {
          message: { tool_calls: [{ function: { name: 'lookup', arguments: '{"id":1}' } }] },
          finish_reason: 'tool_calls',
        },
      ],
    });
    expect(ollama.chats().at(-1)).toMatchObject({
      path: '/api/chat',
      body: { options: { num_ctx: 16_384, num_predict: 1_000 } },
    });
    const asked = ollama.totals.chats;
    const tooLong = await ask(long(30_000));
    expect([tooLong.status, await tooLong.text()]).toEqual([413, expect.stringContaining('do not fit into the 32768')]);
    expect(ollama.totals.chats).toBe(asked);
  });
});
