import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, type Llm, z } from 'daruma';
import { directIn, lockedIn } from './lib/lockfile.ts';
import {
  type Advisory,
  advisoriesOf,
  type Known,
  newsOf,
  type Registry,
  type Update,
  unreachable,
} from './lib/registry.ts';
import { clip, escapeMarkdown, markdownTable } from './lib/text.ts';
import { showMany } from './lib/units.ts';

/** Requests at a time: documents of a registry take megabytes. */
const AT_ONCE = 2;

interface Found {
  updates: Update[];
  advisories: Advisory[];
  /** Models that the chain has since the last look, and no more. */
  models: { come: string[]; gone: string[] };
}

export default definePlugin({
  about:
    'Tells of newer packages, of advisories against those that are installed, and of models that come and go. It installs nothing.',
  schedule: '20 5 * * *',
  settings: z.strictObject({
    registry: z
      .url({ protocol: /^https?$/ })
      .default('https://registry.npmjs.org')
      .describe('The npm registry.'),
    ignore: z.array(z.string()).default([]).describe('Packages that nobody wants to hear of.'),
    advisories: z
      .boolean()
      .default(true)
      .describe('Ask the registry for advisories against all that is in the lockfile.'),
    models: z.boolean().default(false).describe('Look at the models of the chain, too; wants needs.llm.'),
    channels: z
      .array(z.string().min(1))
      .default([])
      .describe('Channel agents that are sent what is new since the last look.'),
  }),
  limits: { memory: '256MB', timeout: '10m', silence: '2m', attempts: 3, backoff: { first: '1m', longest: '10m' } },
  needs: { net: ['settings.registry'], read: ['package.json', 'package-lock.json'], llm: { calls: 1 } },
  async run({ settings, folder, fetch, llm, state, send, job, beat, log, summary }) {
    const read = async (name: string) => JSON.parse(await readFile(join(folder, name), 'utf8')) as unknown;
    const locked = lockedIn(await read('package-lock.json'));
    const direct = directIn(await read('package.json'), locked).filter(({ name }) => !settings.ignore.includes(name));
    const registry: Registry = { url: settings.registry, fetch };

    const offline = await unreachable(registry);
    if (offline !== null) {
      summary(`${escapeMarkdown(settings.registry)} cannot be reached: ${escapeMarkdown(offline)}`);
      log.warn('the registry cannot be reached', { why: offline });
      return { reached: false, why: offline };
    }

    const known = (await state.get<Record<string, Known>>('packages')) ?? {};
    const updates: Update[] = [];
    const waiting = direct.values();
    const askInTurn = async () => {
      for (const one of waiting) {
        const { update, known: now } = await newsOf(one, known[one.name], registry);
        known[one.name] = now;
        if (update !== null) updates.push(update);
        beat(one.name);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, askInTurn));
    await state.set('packages', Object.fromEntries(direct.map(({ name }) => [name, known[name]])));

    const asked = settings.advisories ? await advisoriesOf(locked, registry) : { advisories: [], why: 'not asked for' };
    if (asked.why !== null && settings.advisories) log.warn('no advisories', { why: asked.why });
    const models = settings.models ? await modelsNow((await state.get<string[]>('models')) ?? null, llm, fetch) : null;
    if (models !== null) await state.set('models', models.all);
    const found: Found = {
      updates: updates.sort((a, b) => (a.name < b.name ? -1 : 1)),
      advisories: asked.advisories.filter(({ name }) => !settings.ignore.includes(name)),
      models: models?.since ?? { come: [], gone: [] },
    };
    summary(textOf(found, direct.length, asked.why));

    const told = new Set((await state.get<string[]>('told')) ?? []);
    const fresh = freshIn(found, told);
    if (!isNothing(fresh))
      for (const channel of settings.channels)
        await send(channel, postOf(fresh, direct.length), { key: `updates:${job.id}` });
    await state.set('told', keysOf(found));
    return { reached: true, packages: direct.length, ...found, advisoriesMissing: asked.why };
  },
});

/** The models of the chain, and which of them came or went since the last look. */
async function modelsNow(before: string[] | null, llm: Llm, fetch: Registry['fetch']) {
  const answer = await fetch(`${llm.baseURL}/models`, { headers: { authorization: `Bearer ${llm.apiKey}` } });
  if (!answer.ok) throw new Error(`the model gateway answered ${answer.status}`);
  const { data } = z.object({ data: z.array(z.object({ id: z.string() })) }).parse(await answer.json());
  const all = data.map(({ id }) => id).sort();
  const known = before ?? all;
  const since = { come: all.filter((id) => !known.includes(id)), gone: known.filter((id) => !all.includes(id)) };
  return { all, since };
}

const keyOf = {
  update: ({ name, latest, within }: Update) => `${name} ${latest} ${within}`,
  advisory: ({ name, id }: Advisory) => `${name} ${id}`,
};

function keysOf({ updates, advisories }: Found): string[] {
  return [...updates.map(keyOf.update), ...advisories.map(keyOf.advisory)];
}

/** What nobody was told of yet. */
function freshIn({ updates, advisories, models }: Found, told: ReadonlySet<string>): Found {
  return {
    updates: updates.filter((one) => !told.has(keyOf.update(one))),
    advisories: advisories.filter((one) => !told.has(keyOf.advisory(one))),
    models,
  };
}

function isNothing({ updates, advisories, models }: Found): boolean {
  return updates.length + advisories.length + models.come.length + models.gone.length === 0;
}

function postOf(found: Found, packages: number) {
  const { updates, advisories } = found;
  const title =
    advisories.length > 0
      ? showMany(advisories.length, 'advisory', 'advisories')
      : showMany(updates.length, 'newer package');
  const names = [
    ...advisories.map(({ name, severity }) => `${name} (${severity})`),
    ...updates.map(({ name, latest }) => `${name} ${latest}`),
  ];
  return {
    title: `Updates: ${title}`,
    text: clip([...names, ...found.models.come, ...found.models.gone.map((id) => `${id} is gone`)].join(', '), 400),
    markdown: textOf(found, packages, null),
    level: advisories.length > 0 ? ('warning' as const) : ('info' as const),
  };
}

function textOf({ updates, advisories, models }: Found, packages: number, noAdvisories: string | null): string {
  const head = `${showMany(packages, 'package')}: ${updates.length} with a newer version, ${showMany(advisories.length, 'advisory', 'advisories')}${noAdvisories === null ? '' : ` (${noAdvisories})`}.`;
  const rows = updates.map(({ name, installed, within, latest }) => [
    escapeMarkdown(name),
    installed,
    within ?? '–',
    latest,
  ]);
  const threats = advisories.map(
    ({ name, version, severity, title, url }) =>
      `- **${severity}**: ${escapeMarkdown(`${name} ${version}: ${title}`)} <${url}>`,
  );
  const chain = [
    ...models.come.map((id) => `- new in the chain: ${escapeMarkdown(id)}`),
    ...models.gone.map((id) => `- gone from the chain: ${escapeMarkdown(id)}`),
  ];
  const table = rows.length === 0 ? [] : [markdownTable(['package', 'installed', 'same line', 'latest'], rows)];
  return [head, threats.join('\n'), chain.join('\n'), ...table].filter(Boolean).join('\n\n');
}
