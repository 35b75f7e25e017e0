import { definePlugin, z } from 'daruma';

export default definePlugin({
  about: 'Asks a model for the language of a text.',
  input: z.strictObject({ text: z.string() }),
  concurrency: 20,
  needs: { llm: true },
  async run({ job, llm }) {
    const { text } = await llm.chat(`Name the language of this text in one word:\n${job.input.text}`);
    return text.trim();
  },
});
