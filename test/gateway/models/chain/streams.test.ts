import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DONE_EVENT, errorEvent } from '../../../../src/gateway/models/chain/chunks.ts';
import { createAnswerCollector } from '../../../../src/gateway/models/chain/collect-answer.ts';
import { createLineSplitter } from '../../../../src/gateway/models/chain/lines.ts';
import { createNdjsonReader } from '../../../../src/gateway/models/chain/ndjson-reader.ts';
import { createSseReader } from '../../../../src/gateway/models/chain/sse-reader.ts';
import type { StreamReader } from '../../../../src/gateway/models/chain/stream-reader.ts';

const NOW = 1_000;
const chunk = (delta: object, finish: string | null = null, more = {}) =>
  JSON.stringify({ id: 'c1', created: 7, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }], ...more });
const ROLE = chunk({ role: 'assistant', content: '' });
const WORDS = ['Grüße', ' aus', ' 東京', ' "usage" 😀'];
const FINISH = chunk({}, 'stop');
const USAGE = JSON.stringify({
  id: 'c1',
  choices: [],
  usage: { prompt_tokens: 12, completion_tokens: 4, total_tokens: 16 },
});
const sse = (list: readonly string[], end = '\n\n') => list.map((data) => `data: ${data}${end}`).join('');
const PLAIN = [ROLE, ...WORDS.map((content) => chunk({ content })), FINISH];
const WHOLE = [...PLAIN, USAGE, '[DONE]'];

/** Reads a text in pieces that end at `cuts`. */
function read(reader: StreamReader, text: string, cuts: readonly number[] = []): string {
  const bytes = Buffer.from(text);
  const at = [0, ...[...cuts].map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
  return at
    .slice(1)
    .map((end, index) => reader.take(bytes.subarray(at[index], end)).toString('latin1'))
    .join('');
}
const utf8 = (text: string) => Buffer.from(text, 'latin1').toString('utf8');
const cuts = fc.array(fc.nat(5_000), { maxLength: 12 });

describe('a stream of server-sent events', () => {
  const FORMS = {
    'with blank lines': sse(WHOLE),
    'with CRLF': sse(WHOLE, '\r\n\r\n'),
    'without blank lines': sse(WHOLE, '\n'),
    'without a space after data:': WHOLE.map((data) => `data:${data}\n\n`).join(''),
    'with comments and other fields': `: keep-alive\n\n${WHOLE.map((data) => `event: message\nid: 3\ndata: ${data}\n: x\n\n`).join('')}`,
    'without [DONE]': sse([...PLAIN, USAGE]),
    'with usage in x_groq': sse([
      ...PLAIN.slice(0, -1),
      chunk({}, 'stop', { x_groq: { usage: { prompt_tokens: 12, completion_tokens: 4 } } }),
      '[DONE]',
    ]),
  };
  for (const [form, text] of Object.entries(FORMS))
    it(`is passed on unchanged ${form}, wherever it is cut, without usage and [DONE]`, () => {
      fc.assert(
        fc.property(cuts, (at) => {
          const reader = createSseReader();
          const out = utf8(read(reader, text, at))
            .replaceAll(/^(:.*|event:.*|id:.*)\n|\r/gm, '')
            .replaceAll(/\n+/g, '\n');
          expect(reader.verdict(NOW)).toEqual({ is: 'good' });
          expect(reader.seen).toMatchObject({
            usage: { promptTokens: 12, completionTokens: 4 },
            finish: 'stop',
            head: { id: 'c1', model: 'm' },
          });
          const wanted = form.includes('x_groq')
            ? [
                ...PLAIN.slice(0, -1),
                JSON.parse(
                  JSON.stringify(
                    text
                      .split('\n')
                      .find((line) => line.includes('x_groq'))!
                      .slice(6),
                  ),
                ),
              ]
            : PLAIN;
          expect(out).toBe(sse(wanted, '\n'));
        }),
        { numRuns: 60 },
      );
    });

  it('gives nothing before the first token, and thoughts with it', () => {
    const reader = createSseReader();
    expect(read(reader, sse([ROLE, chunk({ reasoning: 'Hm' })]))).toBe('');
    expect(reader.seen.hasStarted).toBe(false);
    expect(read(reader, sse([chunk({ content: 'Yes' })])).match(/data:/g)).toHaveLength(3);
    expect(reader.seen.hasStarted).toBe(true);
  });

  it('begins with a call of a tool, too', () => {
    const reader = createSseReader();
    expect(read(reader, sse([ROLE, chunk({ tool_calls: [{ index: 0, id: 'x' }] })]))).toContain('tool_calls');
  });

  it('takes usage out of a piece that has a choice, too', () => {
    const reader = createSseReader();
    const out = read(
      reader,
      sse([ROLE, chunk({ content: 'Yes' }), chunk({}, 'stop', { usage: { prompt_tokens: 1, completion_tokens: 2 } })]),
    );
    expect(out).not.toContain('usage');
    expect(reader.seen.usage).toEqual({ promptTokens: 1, completionTokens: 2 });
  });

  const verdictOn = (text: string) => {
    const reader = createSseReader();
    read(reader, text);
    return { ...reader.verdict(NOW), started: reader.seen.hasStarted };
  };

  it('is cut off without a finish, before or after the first token', () => {
    expect(verdictOn(sse(PLAIN.slice(0, 3)))).toEqual({
      is: 'next',
      why: 'a stream that was cut off',
      counts: true,
      started: true,
    });
    expect(verdictOn(sse([ROLE]))).toMatchObject({ is: 'next', counts: true, started: false });
    expect(verdictOn('')).toMatchObject({ is: 'next', why: 'an empty answer', started: false });
  });

  it('is unusable when it ends in order with nothing said', () => {
    expect(verdictOn(sse([ROLE, FINISH, '[DONE]']))).toMatchObject({ is: 'unusable', why: 'an empty answer' });
    expect(verdictOn(sse([ROLE, chunk({ reasoning: 'Hm' }), chunk({}, 'length'), '[DONE]']))).toMatchObject({
      ...{ is: 'unusable', why: 'cut off by its length before it said anything', started: false },
    });
  });

  it('ends with an error that comes in it, however it is written', () => {
    const error = { error: { message: 'Over capacity', code: 'over_capacity' } };
    expect(verdictOn(`${sse([ROLE])}event: error\ndata: ${JSON.stringify(error)}\n\n`)).toMatchObject({
      is: 'wait',
      started: false,
    });
    expect(verdictOn(sse([...PLAIN.slice(0, 3), JSON.stringify({ error: { message: 'x' } })]))).toMatchObject({
      ...{ is: 'next', counts: true, started: true },
    });
    const own = { message: 'x', type: 'server_error', code: 'over_capacity' };
    expect(verdictOn(sse([ROLE]) + errorEvent(own) + DONE_EVENT)).toMatchObject({ is: 'wait', why: 'x' });
    expect(verdictOn(sse([ROLE, '{broken}']))).toMatchObject({ is: 'next', why: 'a piece that is no JSON' });
    expect(verdictOn(JSON.stringify({ error: { message: 'x', code: 'insufficient_quota' } }))).toMatchObject({
      is: 'closed',
    });
    expect(verdictOn('<html><title>Sign in</title></html>')).toMatchObject({
      is: 'next',
      counts: true,
      started: false,
    });
  });

  it('joins an event that is spread over lines', () => {
    const reader = createSseReader();
    const out = read(reader, `${sse([ROLE])}data: {"choices": [\ndata: {"delta": {"content": "a"}}\ndata: ]}\n\n`);
    expect(out).toContain('data: {"choices": [{"delta": {"content": "a"}}]}\n\n');
  });

  it('reads nothing after its end, and no line without an end', () => {
    const reader = createSseReader();
    read(reader, sse(WHOLE));
    expect(read(reader, sse(PLAIN))).toBe('');
    const lines = createLineSplitter(10);
    expect(lines.take(Buffer.from('123456789'))).toEqual([]);
    expect(lines.take(Buffer.from('0\n'))).toEqual([Buffer.from('1234567890')]);
    expect(lines.take(Buffer.from('12345678901\n'))).toBe('too long');
    expect(createLineSplitter(10).take(Buffer.from('12345678901'))).toBe('too long');
    const endless = createSseReader();
    const megabyte = Buffer.alloc(1_024 ** 2, 'a');
    for (let at = 0; at < 17; at++) endless.take(megabyte);
    expect(endless.seen.isOver).toBe(true);
    expect(endless.verdict(NOW)).toMatchObject({ is: 'next', counts: true });
  });

  it('holds back so many thoughts and no more', () => {
    const reader = createSseReader();
    const thought = chunk({ reasoning: 'x'.repeat(100_000) });
    expect(read(reader, sse([ROLE, thought, thought]))).toBe('');
    expect(read(reader, sse([thought])).length).toBeGreaterThan(300_000);
  });
});

describe("a stream of Ollama's lines", () => {
  const line = (message: object, more = {}) =>
    `${JSON.stringify({ model: 'm', message: { role: 'assistant', content: '', ...message }, done: false, ...more })}\n`;
  const LAST = line({}, { done: true, done_reason: 'stop', prompt_eval_count: 12, eval_count: 4 });
  const create = () => createNdjsonReader({ id: 'c1', created: 7, model: 'm' });
  const pieces = (out: string) =>
    utf8(out)
      .split('\n\n')
      .filter((event) => event !== '')
      .map(
        (event) =>
          JSON.parse(event.slice(6)).choices[0] as { delta: Record<string, unknown>; finish_reason: string | null },
      );
  const textOf = (out: string, field = 'content') =>
    pieces(out)
      .map(({ delta }) => delta[field] ?? '')
      .join('');

  it("becomes chunks of OpenAI's form, wherever it is cut", () => {
    const text = `${line({ thinking: 'Hm, ' })}${WORDS.map((content) => line({ content })).join('')}${LAST}`;
    fc.assert(
      fc.property(cuts, (at) => {
        const reader = create();
        const out = read(reader, text, at);
        expect(textOf(out)).toBe(WORDS.join(''));
        expect(textOf(out, 'reasoning')).toBe('Hm, ');
        expect(pieces(out).at(-1)).toEqual({ index: 0, delta: {}, finish_reason: 'stop' });
        expect(reader.seen).toMatchObject({ isOver: true, usage: { promptTokens: 12, completionTokens: 4 } });
        expect(reader.verdict(NOW)).toEqual({ is: 'good' });
      }),
      { numRuns: 60 },
    );
  });

  it('strips thoughts from the text of models that write them there', () => {
    for (const cut of [
      ['<think>Hm, so', '…</think>', '\n\nYes', '!'],
      ['<th', 'ink>Hm, so…</think>', 'Yes!'],
      ['<think>Hm, so…</think>\nYes!'],
    ]) {
      const reader = create();
      const out = read(reader, cut.map((content) => line({ content })).join('') + LAST);
      expect([textOf(out), textOf(out, 'reasoning')]).toEqual(['Yes!', 'Hm, so…']);
    }
    const reader = create();
    expect(textOf(read(reader, line({ content: ' <thi' }) + line({ content: 's> is' }) + LAST))).toBe(' <this> is');
    const short = create();
    expect(textOf(read(short, line({ content: '<thi' }) + LAST))).toBe('<thi');
  });

  it('gives calls their ids, and ends with the finish of a call', () => {
    const reader = create();
    const call = (name: string) => line({ tool_calls: [{ function: { name, arguments: { id: 7 } } }] });
    const list = pieces(read(reader, call('a') + call('b') + LAST));
    expect(list.flatMap(({ delta }) => delta.tool_calls ?? [])).toEqual([
      { index: 0, id: 'call_c1_0', type: 'function', function: { name: 'a', arguments: '{"id":7}' } },
      { index: 1, id: 'call_c1_1', type: 'function', function: { name: 'b', arguments: '{"id":7}' } },
    ]);
    expect(reader.seen.finish).toBe('tool_calls');
  });

  it('fails as the other does: cut off, an error in it, empty, a page', () => {
    const verdictOn = (text: string) => {
      const reader = create();
      read(reader, text);
      return { ...reader.verdict(NOW), started: reader.seen.hasStarted };
    };
    expect(verdictOn(line({ content: 'Yes' }))).toEqual({
      is: 'next',
      why: 'a stream that was cut off',
      counts: true,
      started: true,
    });
    expect(verdictOn(`${line({ content: 'Yes' })}{"error":"broken"}\n`)).toMatchObject({
      is: 'next',
      why: 'broken',
      started: true,
    });
    expect(verdictOn('{"error":"no user query found in messages"}\n')).toMatchObject({
      is: 'unusable',
      started: false,
    });
    expect(verdictOn('{"error":"x"}')).toMatchObject({ is: 'next', started: false });
    expect(verdictOn(LAST)).toMatchObject({ is: 'unusable', why: 'an empty answer' });
    expect(verdictOn(line({ content: 'Yes' }) + 'nonsense\n')).toMatchObject({
      is: 'next',
      why: 'a piece that is no JSON',
    });
    expect(verdictOn('<html></html>')).toMatchObject({ is: 'next', counts: true, started: false });
    expect(verdictOn('')).toMatchObject({ is: 'next', why: 'an empty answer' });
  });
});

describe('a whole answer of a stream', () => {
  const collected = (text: string, at: readonly number[] = []) => {
    const reader = createSseReader();
    const collector = createAnswerCollector();
    const bytes = Buffer.from(text);
    const ends = [...[...at].map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
    ends.forEach((end, index) => void collector.take(reader.take(bytes.subarray(ends[index - 1] ?? 0, end))));
    return collector.answer(reader.seen, { id: 'own', created: 9, model: 'own' });
  };

  it('is put together of its pieces, wherever it is cut', () => {
    const text = sse([ROLE, chunk({ reasoning: 'H' }), chunk({ reasoning: 'm' }), ...WHOLE.slice(1)]);
    fc.assert(
      fc.property(cuts, (at) => {
        const { answer, body } = collected(text, at);
        expect(answer).toEqual({
          ...{ text: WORDS.join(''), reasoning: 'Hm', toolCalls: [], finish: 'stop' },
          usage: { promptTokens: 12, completionTokens: 4 },
        });
        expect(body).toMatchObject({
          id: 'c1',
          model: 'm',
          choices: [{ message: { content: WORDS.join('') }, finish_reason: 'stop' }],
        });
      }),
      { numRuns: 60 },
    );
  });

  it('has the calls that came in parts, each at its index', () => {
    const part = (index: number, more: object) => chunk({ tool_calls: [{ index, ...more }] });
    const parts = [
      part(0, { id: 'a', function: { name: 'lookup', arguments: '{"i' } }),
      part(1, { id: 'b', function: { name: 'add', arguments: '' } }),
      part(0, { function: { arguments: 'd":7}' } }),
      part(1, { function: { arguments: '{}' } }),
    ];
    expect(collected(sse([ROLE, ...parts, chunk({}, 'tool_calls'), '[DONE]'])).answer).toMatchObject({
      finish: 'tool_calls',
      toolCalls: [
        { id: 'a', name: 'lookup', arguments: '{"id":7}' },
        { id: 'b', name: 'add', arguments: '{}' },
      ],
    });
  });
});
