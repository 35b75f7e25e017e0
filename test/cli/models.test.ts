import { expect, it } from 'vitest';
import { modelsCommand } from '../../src/cli/commands/models.ts';
import type { Stage } from '../../src/cli/ports.ts';
import { plain } from '../../src/cli/text/paint.ts';
import type { ModelsView, RungView } from '../../src/control/protocol.ts';
import { modelsResult } from '../../src/operations/results/models.ts';
import { clock } from './views.ts';

const rung = (name: string, over: Partial<RungView> = {}): RungView => ({
  ...{ name, model: `${name}-large`, state: 'ready', until: null, provenAt: null, why: null },
  ...over,
});
const view = (over: Partial<ModelsView> = {}): ModelsView =>
  modelsResult.parse({
    ...{ gateway: { pid: 812, port: 40_123 }, why: null, chain: [rung('groq')], calls: [], firstTokenMs: [] },
    ...over,
  });
async function said(value: ModelsView, width = 140) {
  const { lines, code } = await modelsCommand({
    ask: async () => value,
    clock,
    paint: plain,
    width,
  } as unknown as Stage);
  return { lines: lines.map((line) => line.trimEnd()), code };
}

it('shows each rung with its model, its state, what came of its calls and what keeps it back', async () => {
  const { lines, code } = await said(
    view({
      chain: [
        rung('groq', { provenAt: '2026-11-22T03:10:00.000Z' }),
        rung('cerebras', {
          state: 'cooling',
          until: '2026-11-22T11:05:00.000Z',
          why: '429: limit of tokens\nper minute',
        }),
        rung('credit', { state: 'closed', until: '2026-11-22T12:00:00.000Z', why: '402' }),
        rung('keyless', { state: 'off', model: null, why: 'KEY is not set' }),
        rung('ollama', { state: 'down', why: 'connect ECONNREFUSED' }),
      ],
      calls: [
        { rung: 'groq', verdict: 'good', count: 41 },
        { rung: 'groq', verdict: 'wait', count: 2 },
        { rung: 'groq', verdict: 'next', count: 1 },
      ],
      firstTokenMs: [{ rung: 'groq', ms: 312 }],
    }),
  );
  expect(lines).toEqual([
    'the model gateway listens on port 40123, process 812',
    '',
    '   RUNG      MODEL           STATE    UNTIL  PROVEN  GOOD  OTHER  FIRST TOKEN  WHY',
    '✓  groq      groq-large      ready    –      04:10     41      3       312 ms',
    '◌  cerebras  cerebras-large  cooling  12:05  –          0      0            –  429: limit of tokens per minute',
    '✗  credit    credit-large    closed   13:00  –          0      0            –  402',
    '·  keyless   –               off      –      –          0      0            –  KEY is not set',
    '✗  ollama    ollama-large    down     –      –          0      0            –  connect ECONNREFUSED',
  ]);
  expect(code).toBe(0);
});

it('ends with 3 while a gateway listens and no rung can be asked, and says why none listens', async () => {
  expect((await said(view({ chain: [rung('groq', { state: 'cooling' }), rung('own', { state: 'down' })] }))).code).toBe(
    3,
  );
  const none = await said(
    view({ gateway: null, why: 'no agent needs models', chain: [rung('groq', { state: 'off' })] }),
  );
  expect(none).toMatchObject({ code: 0, lines: expect.arrayContaining(['no model gateway: no agent needs models']) });
  expect(await said(view({ chain: [] }))).toMatchObject({
    lines: expect.arrayContaining(['models.chain of config/daruma.yaml has no rung']),
  });
});

it('keeps rung, model, state and the reason on a narrow terminal', async () => {
  const { lines } = await said(view({ chain: [rung('groq', { state: 'closed', why: 'no credit' })] }), 60);
  expect(lines.at(-1)).toMatch(/^✗ {2}groq\s+groq-large\s+closed\s.*no credit$/);
  expect(lines.every((line) => line.length <= 60)).toBe(true);
});
