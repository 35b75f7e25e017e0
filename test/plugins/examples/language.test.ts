import { runPlugin } from 'daruma/testing';
import { expect, it } from 'vitest';

it('names the language of a text by the answer of a model', async () => {
  const plugin = new URL('./language.ts', import.meta.url);
  const { result, models } = await runPlugin(plugin, { input: { text: 'Guten Tag' }, llm: [' German\n'] });
  expect(result).toBe('German');
  expect(models[0]!.messages.at(-1)!.content).toContain('Guten Tag');
});
