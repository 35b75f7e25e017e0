import { runPlugin } from 'daruma/testing';
import { expect, it } from 'vitest';

const input = { question: 'How many people live in Kiel?' };
const plugin = (name: string) => new URL(`./${name}.ts`, import.meta.url);

it('the client of OpenAI asks as it always does, by a stream', async () => {
  const { result, error, models } = await runPlugin(plugin('ask-openai'), { input, llm: ['247,000'] });
  expect(error).toBeNull();
  expect(result).toEqual({ text: '247,000' });
  expect(models).toMatchObject([{ model: 'auto', stream: true, messages: [{ content: input.question }] }]);
});

it('the AI SDK asks for an object', async () => {
  const object = { town: 'Kiel', people: 247_000 };
  const { result, error, models } = await runPlugin(plugin('ask-ai-sdk'), { input, llm: [{ object }] });
  expect(error).toBeNull();
  expect(result).toEqual(object);
  expect(models).toMatchObject([{ schema: { required: ['town', 'people'] } }]);
});

it('a job of either waits when the budget is spent, by the words that its client keeps', async () => {
  const message = 'ask-openai has spent 9 of 9 calls today';
  for (const name of ['ask-openai', 'ask-ai-sdk']) {
    const { error } = await runPlugin(plugin(name), { input, llm: [{ fails: 'BUDGET_SPENT', message }] });
    expect(error!.message, name).toContain(message);
  }
});
