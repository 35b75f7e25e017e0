import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, type Llm, z } from 'daruma';
import { type Chronicle, chronicleOf, draftOf } from './lib/chronicle.ts';
import { machineZone, weekBefore } from './lib/days.ts';
import { writeWhole } from './lib/files.ts';
import { timezone } from './lib/units.ts';
import { inventedFigures, worded } from './lib/wording.ts';

const TASK = `Write a post for the blog of the people who run these programs: what went wrong in the week, how it was healed, what they learnt from it.
Plain words, Markdown, two to six short paragraphs, no heading of the first level, no list of everything. Stand by the facts: no figure, name or cause
that they do not have. Name the incidents by their ids, as they stand there.`;

export default definePlugin({
  about:
    'Drafts a blog post on the week: incidents, how they healed, versions, with its sources. A person publishes it.',
  schedule: '10 8 * * MON',
  settings: z.strictObject({
    publish: z
      .array(z.string().min(1))
      .default([])
      .describe('Channels that get each draft as it is, unread. Default: none.'),
    wording: z
      .enum(['plain', 'model'])
      .default('plain')
      .describe(
        'model: the chain of models writes it, where needs.llm allows; a plain draft of the figures where it cannot.',
      ),
    timezone: timezone().optional().describe('IANA zone of the week. Default: the zone of the machine.'),
  }),
  limits: { memory: '96MB', timeout: '10m', silence: '10m', attempts: 4 },
  needs: { fleet: true, write: ['posts'], llm: { calls: 5 } },
  async run({ settings, fleet, folder, llm, job, once, send, summary }) {
    const week = weekBefore(job.slot ?? new Date().toISOString(), settings.timezone ?? machineZone());
    const chronicle = chronicleOf(await fleet.report({ from: week.from, to: week.to }), week);
    // A model is paid once, however often the job is tried.
    const words =
      settings.wording === 'model'
        ? await once('write', () => wordedBy(llm, chronicle), { ifUnknown: 'repeat' })
        : null;
    const written = words !== null && 'body' in words ? words : null;
    const draft = draftOf(chronicle, written);
    const file = `posts/drafts/${week.name}.md`;
    await mkdir(join(folder, 'posts/drafts'), { recursive: true });
    await writeWhole(join(folder, file), draft.markdown);
    for (const channel of settings.publish) await send(channel, draft, { key: `blog:${week.name}` });
    summary(
      `\`${file}\`, ${settings.publish.length === 0 ? 'a draft' : `sent to ${settings.publish.join(', ')}`}.\n\n${draft.markdown}`,
    );
    const plain = words !== null && 'why' in words ? { plainBecause: words.why } : {};
    return { file, sources: chronicle.sources.length, by: written?.by ?? null, published: settings.publish, ...plain };
  },
});

async function wordedBy(
  llm: Llm,
  { facts }: Chronicle,
): Promise<{ title: string; body: string; by: string } | { why: string }> {
  const schema = z.object({ title: z.string().min(5).max(120), body: z.string().min(100).max(12_000) });
  const terms = { schema, effort: 'medium' as const, maxTokens: 4_000 };
  const words = await worded(llm, { task: TASK, material: facts }, terms, ({ title, body }) => {
    const invented = inventedFigures(`${title} ${body}`, facts.join(' '));
    return invented.length === 0 ? null : `figures that no fact has: ${invented.join(', ')}`;
  });
  return 'why' in words ? words : { ...words.answer, by: words.by };
}
