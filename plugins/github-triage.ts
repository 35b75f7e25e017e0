import { definePlugin, GiveUp, type Llm, z } from 'daruma';
import { createGithub, type Issue, markOf } from './lib/github.ts';
import { sendOnce } from './lib/never-twice.ts';
import { drySummary } from './lib/post.ts';
import { escapeMarkdown } from './lib/text.ts';
import { duration } from './lib/units.ts';
import { worded } from './lib/wording.ts';

const rule = z.strictObject({
  find: z
    .string()
    .min(1)
    .describe('A regular expression; it is looked for in title and text, in small and capital letters alike.'),
  label: z.string().min(1).max(50).describe('The label that such an issue gets.'),
  answer: z
    .string()
    .min(1)
    .max(20_000)
    .optional()
    .describe('A comment in Markdown; only the first rule that fits answers.'),
});
type Rule = z.output<typeof rule>;

const TASK = `You sort issues of a repository on GitHub. Choose the labels that fit what the issue is about, none where none does.`;

export default definePlugin({
  about: 'Labels new issues on GitHub by rules, or by the chain of models, and answers those that a rule answers.',
  webhook: {
    verify: { github: 'GITHUB_SECRET' },
    // Fields that are not named here are left out.
    input: z.object({
      action: z.string(),
      issue: z
        .object({
          number: z.int(),
          title: z.string(),
          body: z.string().nullable().default(''),
          user: z.object({ login: z.string(), type: z.string().optional() }).nullable(),
          pull_request: z.unknown().optional(),
        })
        .optional(),
      repository: z.object({ full_name: z.string().regex(/^[\w.-]+\/[\w.-]+$/) }).optional(),
    }),
  },
  settings: z.strictObject({
    rules: z
      .array(rule)
      .max(50)
      .default([])
      .describe('What to look for, in order. Each rule that fits adds its label.'),
    otherwise: z.string().min(1).optional().describe('The label of an issue that no rule fits, such as `triage`.'),
    sorting: z
      .enum(['rules', 'model'])
      .default('rules')
      .describe(
        'model: the chain of models chooses among the labels of the rules; the rules stand in where it cannot.',
      ),
    api: z
      .url({ protocol: /^https?$/ })
      .default('https://api.github.com')
      .describe('The API; of a GitHub of your own: https://host/api/v3.'),
    settle: duration()
      .default('5s')
      .describe('A comment with an unclear end is looked up for so long before it is sent again.'),
    dryRun: z
      .boolean()
      .default(false)
      .describe('true: nothing is changed; the result and the summary show what would be.'),
  }),
  limits: { memory: '96MB', timeout: '5m', silence: '5m', attempts: 6 },
  needs: { net: ['settings.api'], secrets: ['GITHUB_TOKEN'], llm: { calls: 200 } },
  async run({ job, settings, secrets, fetch, llm, once, log, summary }) {
    const { event, body } = job.input ?? {};
    const { issue, repository } = body ?? {};
    const isNew = event === 'issues' && body?.action === 'opened' && issue !== undefined && repository !== undefined;
    // An answer to a bot may be answered by it, and so on.
    if (!isNew || issue.pull_request !== undefined || issue.user?.type === 'Bot') return { triaged: false };
    const text = `${issue.title}\n${issue.body ?? ''}`;
    const fits = settings.rules.filter(({ find }) => patternOf(find).test(text));
    const chosen =
      settings.sorting === 'model'
        ? await once('sort', () => sortedBy(llm, issue, settings.rules), { ifUnknown: 'repeat' })
        : null;
    if (chosen !== null && 'why' in chosen) log.info('the rules sort', { why: chosen.why });
    const sorted = chosen !== null && 'labels' in chosen ? chosen.labels : fits.map(({ label }) => label);
    const labels = [...new Set(sorted.length > 0 || settings.otherwise === undefined ? sorted : [settings.otherwise])];
    const answer = fits.find((one) => one.answer !== undefined)?.answer ?? null;
    const about: Issue = { repository: repository.full_name, number: issue.number };
    const done = { issue: `${about.repository}#${about.number}`, labels, answered: answer !== null };
    if (settings.dryRun) {
      summary(drySummary({ ...done, answer }));
      return { triaged: false, dryRun: true, ...done };
    }
    const github = createGithub({ api: settings.api, token: secrets.GITHUB_TOKEN, fetch });
    // A label that is there already stays: to add it again does no harm.
    if (labels.length > 0) await github.addLabels(about, labels);
    if (answer !== null) {
      const mark = markOf(job.id);
      const lookUp = () => github.findComment(about, mark);
      const send = () => github.comment(about, `${answer}\n\n${mark}`);
      await sendOnce({ once, log, send, unclear: { is: 'lookUp', lookUp, settle: settings.settle } });
    }
    summary(
      `${escapeMarkdown(done.issue)}: ${labels.length === 0 ? 'no label' : labels.map(escapeMarkdown).join(', ')}${done.answered ? ', answered' : ''}.`,
    );
    return { triaged: true, ...done, by: chosen !== null && 'labels' in chosen ? chosen.by : 'rules' };
  },
});

function patternOf(find: string): RegExp {
  try {
    return new RegExp(find, 'iu');
  } catch (error) {
    throw new GiveUp(`settings.rules: ${(error as Error).message}`);
  }
}

/** Labels that a model chose among those of the rules: whatever an issue says, it gets no other. */
async function sortedBy(llm: Llm, { title, body }: { title: string; body: string | null }, rules: readonly Rule[]) {
  const labels = [...new Set(rules.map(({ label }) => label))];
  if (labels.length === 0) return { why: 'settings.rules names no label' };
  const schema = z.object({ labels: z.array(z.enum(labels)).max(5) });
  const material = { labels, title, text: (body ?? '').slice(0, 10_000) };
  const words = await worded(llm, { task: TASK, material }, { schema, effort: 'low' }, () => null);
  return 'why' in words ? words : { labels: words.answer.labels, by: words.by };
}
