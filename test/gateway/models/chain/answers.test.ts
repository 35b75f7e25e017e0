import { describe, expect, it } from 'vitest';
import { readWholeAnswer } from '../../../../src/gateway/models/chain/chat-answer.ts';
import { believedUsage, checkAnswer, truncation } from '../../../../src/gateway/models/chain/check-answer.ts';
import { streamOfAnswer, usageEvent } from '../../../../src/gateway/models/chain/chunks.ts';
import { fitEmbeddings, readEmbeddings } from '../../../../src/gateway/models/chain/embeddings.ts';
import {
  estimateTextTokens,
  estimateTokens,
  leastTextTokens,
} from '../../../../src/gateway/models/chain/estimate-tokens.ts';
import { readContext, readListed, resolveModels } from '../../../../src/gateway/models/chain/resolve-models.ts';
import { createSseReader } from '../../../../src/gateway/models/chain/sse-reader.ts';
import type { ChatRequest, TokenUsage } from '../../../../src/gateway/models/ports.ts';
import type { Rung } from '../../../../src/kernel/rung.ts';

const HEAD = { id: 'c1', created: 7, model: 'm' };
const ask = (more: Partial<ChatRequest> = {}): ChatRequest => ({
  model: 'auto',
  messages: [{ role: 'user', content: 'Hi' }],
  ...more,
});
const TOOLS = [{ type: 'function', function: { name: 'lookup' } }];

const openAi = (message: object, finish = 'stop', usage: object = { prompt_tokens: 9, completion_tokens: 3 }) =>
  readWholeAnswer('openai', JSON.stringify({ choices: [{ message, finish_reason: finish }], usage }), HEAD);
const check = (message: object, request: ChatRequest, finish?: string, usage?: object) =>
  checkAnswer(openAi(message, finish, usage)!.answer, request);

describe('a whole answer', () => {
  it("of Ollama becomes one of OpenAI's form", () => {
    const text = JSON.stringify({
      message: {
        content: '<think>Hm</think>\nYes',
        tool_calls: [{ function: { name: 'lookup', arguments: { id: 7 } } }],
      },
      ...{ done: true, done_reason: 'stop', prompt_eval_count: 5, eval_count: 2 },
    });
    expect(readWholeAnswer('ollama', text, HEAD)!.body).toEqual({
      ...{ id: 'c1', object: 'chat.completion', created: 7, model: 'm' },
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: 'Yes',
            reasoning: 'Hm',
            tool_calls: [{ id: 'call_c1_0', type: 'function', function: { name: 'lookup', arguments: '{"id":7}' } }],
          },
          finish_reason: 'tool_calls',
        },
      ],
      usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
    });
  });

  it('is none when it is cut off, or is no answer of a model', () => {
    for (const text of ['', '{"choices":[', '[]', '{}', '{"choices":[{}]}', '"x"', 'null'])
      expect(readWholeAnswer('openai', text, HEAD)).toBeNull();
    for (const text of ['{"message":{"content":"x"},"done":false}', '{"done":true}'])
      expect(readWholeAnswer('ollama', text, HEAD)).toBeNull();
  });

  it('makes the stream that its rung did not give', () => {
    const { answer } = openAi({
      content: 'Yes',
      reasoning: 'Hm',
      tool_calls: [{ id: 'x', function: { name: 'lookup', arguments: '{}' } }],
    })!;
    const reader = createSseReader();
    const text = streamOfAnswer(answer, HEAD) + usageEvent(HEAD, answer.usage!, 0.5);
    const out = reader.take(Buffer.from(text)).toString();
    expect(reader.verdict(0)).toEqual({ is: 'good' });
    expect(out).toContain('"content":"Yes"');
    expect(out).toContain('"reasoning":"Hm"');
    expect(out).toContain('"tool_calls":[{"index":0,"id":"x","type":"function"');
    expect(text).toContain('"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,"money":0.5}');
  });
});

describe('the check of an answer', () => {
  it('takes words, calls of known tools, and JSON', () => {
    expect(check({ content: 'Yes' }, ask())).toEqual({ is: 'good' });
    expect(check({ content: 'Yes, but' }, ask(), 'length')).toEqual({ is: 'good' });
    expect(check({ content: null, refusal: 'No.' }, ask())).toEqual({ is: 'good' });
    expect(
      check(
        { content: null, tool_calls: [{ function: { name: 'lookup', arguments: '{"a":1}' } }] },
        ask({ tools: TOOLS }),
      ),
    ).toEqual({ is: 'good' });
    expect(check({ content: '[1]' }, ask({ response_format: { type: 'json_object' } }))).toEqual({ is: 'good' });
  });

  it('finds empty answers, and those that were cut off before they said anything', () => {
    expect(check({ content: ' \n' }, ask())).toEqual({ is: 'unusable', why: 'an empty answer' });
    expect(check({ content: null, reasoning: 'The user …' }, ask(), 'length')).toEqual({
      ...{ is: 'unusable', why: 'cut off by its length before it said anything' },
    });
  });

  it('finds what is no JSON where JSON was asked for', () => {
    const json = ask({ response_format: { type: 'json_schema', json_schema: {} } });
    expect(check({ content: 'Sure! {"a": 1}' }, json)).toEqual({
      is: 'unusable',
      why: 'no JSON, though JSON was asked for',
    });
    expect(check({ content: '{"a": ' }, json, 'length')).toEqual({
      is: 'unusable',
      why: 'JSON that was cut off by its length',
    });
  });

  it('finds calls that cannot be made', () => {
    const call = (name: string, given: string) =>
      check({ content: '', tool_calls: [{ function: { name, arguments: given } }] }, ask({ tools: TOOLS }));
    expect(call('search', '{}')).toEqual({ is: 'unusable', why: 'a call of search, which is none of the tools' });
    expect(call('', '{}')).toMatchObject({ is: 'unusable', why: expect.stringContaining('a tool without a name') });
    expect(call('lookup', '{"a":')).toEqual({
      is: 'unusable',
      why: 'a call of lookup with arguments that are no JSON',
    });
    expect(call('lookup', '')).toEqual({ is: 'good' });
    expect(check({ content: 'No' }, ask({ tools: TOOLS, tool_choice: 'required' }))).toMatchObject({ is: 'unusable' });
    expect(check({ content: 'No' }, ask({ tools: TOOLS, tool_choice: 'auto' }))).toEqual({ is: 'good' });
  });

  it('finds a prompt that was not read to its end, by the tokens that were counted', () => {
    const long = ask({ messages: [{ role: 'user', content: 'a word and another '.repeat(2_000) }] });
    const usage = (prompt_tokens: number) => ({ prompt_tokens, completion_tokens: 3 });
    expect(check({ content: 'Yes' }, long, 'stop', usage(4_096))).toMatchObject({
      ...{ is: 'unusable', why: expect.stringMatching(/^a truncated prompt: 4096 tokens were read of at least \d+$/) },
    });
    expect(check({ content: 'Yes' }, long, 'stop', usage(8_004))).toEqual({ is: 'good' });
    expect(check({ content: 'Yes' }, long, 'stop', {})).toEqual({ is: 'good' });
    expect(truncation({ promptTokens: 0, completionTokens: 0 }, long)).toMatch(/^a truncated prompt: 0 tokens/);
    expect(check({ content: 'Yes' }, ask(), 'stop', usage(1))).toEqual({ is: 'good' });
  });

  it('believes no usage that cannot be true', () => {
    const usage = (promptTokens: number, completionTokens: number): TokenUsage => ({ promptTokens, completionTokens });
    const estimate = { promptTokens: 100, maxTokens: 50 };
    expect(believedUsage(usage(90, 40), estimate)).toEqual(usage(90, 40));
    expect(believedUsage(usage(987_654_321, 4), estimate)).toBeNull();
    expect(believedUsage(usage(90, 501), estimate)).toBeNull();
    expect(openAi({ content: 'x' }, 'stop', { prompt_tokens: 3, completion_tokens: -5 })!.answer.usage).toBeNull();
    expect(openAi({ content: 'x' }, 'stop', { prompt_tokens: '3', completion_tokens: 5 })!.answer.usage).toBeNull();
  });
});

/** Texts with the tokens that gpt-oss (o200k), Llama 3 and Mistral 7B count in them. */
const COUNTED: readonly (readonly [text: string, gptOss: number, llama: number, mistral: number])[] = [
  [
    'Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und sollen einander im Geist der Brüderlichkeit begegnen. Die Donaudampfschifffahrtsgesellschaft hat ihre Rechtsschutzversicherung gekündigt, weil die Ge',
    60,
    74,
    79,
  ],
  [
    "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience et doivent agir les uns envers les autres dans un esprit de fraternité. Aujourd'hui, l'été dernier, qu'est-ce qu'il y a ?",
    56,
    68,
    77,
  ],
  [
    'Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni obdarzeni rozumem i sumieniem i powinni postępować wobec innych w duchu braterstwa.',
    53,
    62,
    71,
  ],
  [
    'Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan. Heille on annettu järki ja omatunto, ja heidän on toimittava toisiaan kohtaan veljeyden hengessä.',
    54,
    68,
    75,
  ],
  [
    'Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi. Mọi con người đều được tạo hoá ban cho lý trí và lương tâm và cần phải đối xử với nhau trong tình bằng hữu.',
    51,
    48,
    125,
  ],
  [
    'Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью и должны поступать в отношении друг друга в духе братства.',
    41,
    48,
    62,
  ],
  [
    'Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. Είναι προικισμένοι με λογική και συνείδηση, και οφείλουν να συμπεριφέρονται μεταξύ τους με πνεύμα αδελφοσύνης.',
    71,
    74,
    194,
  ],
  [
    'يولد جميع الناس أحرارا متساوين في الكرامة والحقوق. وقد وهبوا عقلا وضميرا وعليهم أن يعامل بعضهم بعضا بروح الإخاء.',
    42,
    45,
    104,
  ],
  [
    'כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם. כולם חוננו בתבונה ובמצפון, לפיכך חובה עליהם לנהוג איש ברעהו ברוח של אחווה.',
    50,
    129,
    128,
  ],
  [
    'सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है। उन्हें बुद्धि और अन्तरात्मा की देन प्राप्त है और परस्पर उन्हें भाईचारे के भाव से बर्ताव करना चाहिए।',
    54,
    93,
    197,
  ],
  [
    'มนุษย์ทั้งปวงเกิดมามีอิสระและเสมอภาคกันในศักดิ์ศรีและสิทธิ ต่างมีเหตุผลและมโนธรรม และควรปฏิบัติต่อกันด้วยเจตนารมณ์แห่งภราดรภาพ',
    62,
    62,
    128,
  ],
  [
    '人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。我们今天下午在北京开会讨论了这个问题。',
    47,
    50,
    64,
  ],
  [
    'すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。人間は、理性と良心とを授けられており、互いに同胞の精神をもって行動しなければならない。',
    72,
    58,
    91,
  ],
  [
    '모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 천부적으로 이성과 양심을 부여받았으며 서로 형제애의 정신으로 행동하여야 한다.',
    51,
    52,
    89,
  ],
  [
    'የሰው ልጅ ሁሉ ሲወለድ ነጻና በክብርና በመብትም እኩልነት ያለው ነው። የተፈጥሮ ማስተዋልና ሕሊና ስላለው አንዱ ሌላውን በወንድማማችነት መንፈስ መመልከት ይገባዋል።',
    187,
    248,
    229,
  ],
  [
    '😀🎉👩‍💻🇩🇪✨🔥👍🏽🧑‍🚀❤️‍🔥🥳😀🎉👩‍💻🇩🇪✨🔥👍🏽🧑‍🚀❤️‍🔥🥳😀🎉👩‍💻🇩🇪✨🔥👍🏽🧑‍🚀❤️‍🔥🥳😀🎉👩‍💻🇩🇪✨🔥👍🏽🧑‍🚀❤️‍🔥🥳😀🎉👩‍💻🇩🇪✨🔥👍🏽🧑‍🚀❤️‍🔥🥳',
    140,
    220,
    185,
  ],
  [
    '2026-11-27T18:54:00.123Z ERROR agents/shop-api attempt 0 failed: connect ECONNREFUSED 127.0.0.1:3000 (0c0ffee)\n2026-11-27T18:54:01.123Z ERROR agents/shop-api attempt 1 failed: connect ECONNREFUSED 127.0.0.1:3001 (1eefc0ffee)\n2026-11-27T18:54:02.123Z ERROR agen',
    110,
    112,
    157,
  ],
  [
    '    at Object.run (/srv/daruma/plugins/shop-0.ts:0:0)\n    at Object.run (/srv/daruma/plugins/shop-1.ts:3:7)\n    at Object.run (/srv/daruma/plugins/shop-2.ts:6:14)\n    at Object.run (/srv/daruma/plugins/shop-3.ts:9:21)\n    at Object.run (/srv/daruma/plugins/sho',
    88,
    88,
    123,
  ],
  [
    '0,0.00,"item 0",2026-11-1\n1,1.37,"item 1",2026-11-2\n2,2.74,"item 2",2026-11-3\n3,4.11,"item 3",2026-11-4\n4,5.48,"item 4",2026-11-5\n5,6.85,"item 5",2026-11-6\n6,8.22,"item 6",2026-11-7\n7,9.59,"item 7",2026-11-8\n8,10.96,"item 8",2026-11-9\n9,12.33,"item 9",2026-11-',
    168,
    168,
    210,
  ],
  [
    '0,29348959,58697918,88046877,17395837,46744796,76093755,5442715,34791674,64140633,93489592,22838552,52187511,81536470,10885430,40234389,69583348,98932307,28281267,57630226,86979185,16328145,45677104,75026063,4375023,33723982,63072941,92421900,21770860,51119819',
    117,
    117,
    260,
  ],
  [
    '00000000-0000-4a1b-9c3d-777777777770\n9e3779b1-9e37-4a1b-9c3d-777785ebca77\n3c6ef362-3c6e-4a1b-9c3d-77777bd794ee\ndaa66d13-daa5-4a1b-9c3d-777791c35f65\n78dde6c4-78dc-4a1b-9c3d-777717af29dc\n17156075-1713-4a1b-9c3d-77779d9af453\nb54cda26-b54a-4a1b-9c3d-77772386beca\n5',
    176,
    177,
    245,
  ],
  [
    'd04801000000000015000000000000002302000012000000000000000000000000000000000000008701000012000000000000000000000000000000000000009600000022000000000000000000000000000000000000005f02000012000f00f0480100000000002d01000000000000090100001200000000000000000000000000',
    92,
    92,
    260,
  ],
  [
    '0EgBAAAAAAAVAAAAAAAAACMCAAASAAAAAAAAAAAAAAAAAAAAAAAAAIcBAAASAAAAAAAAAAAAAAAAAAAAAAAAAJYAAAAiAAAAAAAAAAAAAAAAAAAAAAAAAF8CAAASAA8A8EgBAAAAAAAtAQAAAAAAAAkBAAASAAAAAAAAAAAAAAAAAAAAAAAAAOICAAARABsAyEUCAAAAAAAIAAAAAAAAAABfSVRNX2RlcmVnaXN0ZXJUTUNsb25lVGFibGUAX19nbW9u',
    93,
    96,
    106,
  ],
  [
    '{\n  "name": "daruma",\n  "version": "0.1.0",\n  "lockfileVersion": 3,\n  "requires": true,\n  "packages": {\n    "": {\n      "name": "daruma",\n      "version": "0.1.0",\n      "license": "MIT",\n      "dependencies": {\n        "esbuild": "0.28.2",\n        "string-wid',
    92,
    92,
    107,
  ],
  [
    "import { BACKOFF_SPREAD, type Backoff, pauseAfter } from '../../kernel/backoff.ts';\n\n/** The terms by which an origin counts as down, and is probed again. Lengths of time are in ms. */\nexport interface BreakerTerms {\n  /** Failures in a row, without a success ",
    65,
    65,
    74,
  ],
  [
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    33,
    33,
    33,
  ],
];

describe('the estimate of tokens', () => {
  it('holds for texts of many kinds: no tokenizer counts fewer than the least, and few count more than the most', () => {
    for (const [text, gptOss, llama, mistral] of COUNTED) {
      const [most, least] = [estimateTextTokens(text), leastTextTokens(text)];
      expect([text, Math.min(gptOss, llama, mistral) >= least * 0.8]).toEqual([text, true]);
      expect([text, gptOss <= most * 1.25, llama <= most * 1.25, mistral <= most * 1.4]).toEqual([
        text,
        true,
        true,
        true,
      ]);
      expect([text, gptOss >= most * 0.25]).toEqual([text, true]);
    }
  });

  it('counts messages, calls, pictures and tools', () => {
    const plain = estimateTokens([{ role: 'user', content: 'Hi' }]);
    expect(estimateTokens([{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }])).toBe(plain);
    expect(estimateTokens([{ role: 'user', content: [{ type: 'text', text: 'Hi' }, { type: 'image_url' }] }])).toBe(
      plain + 1_500,
    );
    expect(estimateTokens([{ role: 'user', content: 'Hi' }], TOOLS)).toBeGreaterThan(plain + 10);
    expect(estimateTokens([{ role: 'assistant', content: null, tool_calls: [{ id: 'x' }] }])).toBeGreaterThan(18);
    expect(estimateTokens([])).toBe(12);
  });
});

describe('the models of a rung', () => {
  const listed = (...names: string[]) => names.map((name) => ({ name, context: null }));

  it('are the preferred ones that its provider lists, in their order', () => {
    expect(resolveModels(['a', 'b', 'c'], listed('c', 'x', 'a'), 'c', false)).toEqual({
      models: ['a', 'c'],
      gone: ['b'],
    });
    expect(resolveModels(['gemma', 'q:8b'], listed('gemma:latest', 'q:8b'), null, false)).toEqual({
      models: ['gemma:latest', 'q:8b'],
      gone: [],
    });
  });

  it('are those that worked last, then the preferred ones, while the list cannot be read', () => {
    expect(resolveModels(['a', 'b'], null, 'b', false)).toEqual({ models: ['b', 'a'], gone: [] });
    expect(resolveModels(['a', 'b'], null, 'old', false)).toEqual({ models: ['a', 'b'], gone: [] });
  });

  it('are any that chat, on a rung that costs nothing, when no preferred one is there', () => {
    const all = listed('nomic-embed-text', 'llama3:8b', 'gemma4:31b');
    expect(resolveModels(['a'], all, 'gemma4:31b', true)).toEqual({ models: ['gemma4:31b', 'llama3:8b'], gone: ['a'] });
    expect(resolveModels(['a'], all, null, false)).toEqual({ models: [], gone: ['a'] });
  });

  it('are read from the lists of all three', () => {
    expect(
      readListed('{"data":[{"id":"a","context_window":131072},{"id":"old","active":false},{"id":"b"},null]}'),
    ).toEqual([
      { name: 'a', context: 131_072 },
      { name: 'b', context: null },
    ]);
    expect(readListed('{"models":[{"name":"gpt-oss:20b","model":"gpt-oss:20b"}]}')).toEqual(listed('gpt-oss:20b'));
    for (const text of ['', '{}', '<html>', '{"data":{}}']) expect(readListed(text)).toBeNull();
    expect(readContext('{"model_info":{"general.architecture":"gptoss","gptoss.context_length":32768}}')).toBe(32_768);
    expect(readContext('{"model_info":{}}')).toBeNull();
  });
});

describe('embeddings', () => {
  const rung = { kind: 'openai' } as Rung;
  it('are asked for and read in the form of the rung', () => {
    const request = { model: 'auto', input: ['a', 'b'], dimensions: 8, encoding_format: 'float' };
    expect(fitEmbeddings(request, rung, 'e')).toEqual({
      path: '/embeddings',
      body: { model: 'e', input: ['a', 'b'], dimensions: 8, encoding_format: 'float' },
    });
    expect(fitEmbeddings(request, { ...rung, kind: 'ollama' }, 'e')).toEqual({
      path: '/api/embed',
      body: { model: 'e', input: ['a', 'b'], truncate: false, dimensions: 8 },
    });
    const read = readEmbeddings('{"embeddings":[[1],[2]],"prompt_eval_count":4}', 'e');
    expect(read).toEqual({
      ...{ object: 'list', model: 'e' },
      data: [
        { object: 'embedding', index: 0, embedding: [1] },
        { object: 'embedding', index: 1, embedding: [2] },
      ],
      usage: { prompt_tokens: 4, completion_tokens: 0, total_tokens: 4 },
    });
    expect(readEmbeddings('{"data":[{"embedding":[1]}]}', 'e')).toEqual({ data: [{ embedding: [1] }] });
    for (const text of ['', '{}', '{"data":[]}', '{"embeddings":[]}']) expect(readEmbeddings(text, 'e')).toBeNull();
  });
});
