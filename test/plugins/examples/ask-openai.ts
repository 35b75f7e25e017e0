import { definePlugin, z } from 'daruma';
import OpenAI from 'openai';

export default definePlugin({
  about: 'Asks models by the client of OpenAI.',
  input: z.strictObject({ question: z.string() }),
  needs: { llm: true },
  async run({ job, llm, signal }) {
    const client = new OpenAI({ baseURL: llm.baseURL, apiKey: llm.apiKey, maxRetries: 0 });
    const messages = [{ role: 'user' as const, content: job.input.question }];
    const stream = await client.chat.completions.create({ model: llm.model, messages, stream: true }, { signal });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    return { text };
  },
});
