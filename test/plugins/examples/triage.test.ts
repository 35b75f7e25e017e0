import { runPlugin } from 'daruma/testing';
import { expect, it } from 'vitest';

const plugin = new URL('./triage.ts', import.meta.url);
const input = { id: '7', from: 'shop@example', subject: 'Checkout is down', text: 'Nobody can pay since 9:00.' };

it('tells of a mail that cannot wait', async () => {
  const summary = 'Customers cannot pay.';
  const { result, sends, models } = await runPlugin(plugin, { input, llm: [{ object: { urgency: 'now', summary } }] });
  expect(result).toEqual({ urgency: 'now', summary });
  expect(sends).toMatchObject([
    { agent: 'post-file', input: { title: 'Checkout is down', text: summary }, key: 'mail:7' },
  ]);
  expect(models[0]!.messages.at(-1)!.content).toContain('Nobody can pay');
});

it('keeps quiet about the others, and asks again where an answer does not fit', async () => {
  const answers = ['It is urgent!', { object: { urgency: 'later', summary: 'A newsletter.' } }];
  const { sends, models } = await runPlugin(plugin, { input, llm: answers });
  expect(sends).toEqual([]);
  expect(models).toHaveLength(2);
});

it('waits for another day when the budget is spent', async () => {
  const until = '2026-11-28T00:00:00Z';
  const { error, retry } = await runPlugin(plugin, { input, llm: [{ fails: 'BUDGET_SPENT', until }] });
  expect(error).toMatchObject({ code: 'BUDGET_SPENT', data: { until: Date.parse(until) } });
  expect(retry).toBe(true);
});
