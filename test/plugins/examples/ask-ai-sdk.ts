import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, Output } from 'ai';
import { definePlugin, z } from 'daruma';

const output = Output.object({ schema: z.strictObject({ town: z.string(), people: z.number() }) });

export default definePlugin({
  about: 'Asks models by the AI SDK.',
  input: z.strictObject({ question: z.string() }),
  needs: { llm: true },
  async run({ job, llm, signal }) {
    const { baseURL, apiKey } = llm;
    const models = createOpenAICompatible({ name: 'daruma', baseURL, apiKey, supportsStructuredOutputs: true });
    const prompt = job.input.question;
    const answer = await generateText({ model: models(llm.model), prompt, output, abortSignal: signal, maxRetries: 0 });
    return answer.output;
  },
});
