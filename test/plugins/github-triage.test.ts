import { GiveUp, type Json } from 'daruma';
import { expect, it } from 'vitest';
import githubTriage from '../../plugins/github-triage.ts';
import { llmSaying, runPlugin, type World } from './context.ts';
import { jsonOf, network, type Reply, type Seen } from './network.ts';

/** The fields of GitHub's documented payload of `issues` that are read, and one that is not. */
const delivery = (title: string, issue: object = {}, action = 'opened') => {
  const opened = {
    number: 7,
    title,
    body: 'It says: panic at line 3',
    user: { login: 'ada', type: 'User' },
    state: 'open',
    ...issue,
  };
  return {
    event: 'issues',
    delivery: 'd-1',
    body: { action, issue: opened, repository: { full_name: 'shop/till' } },
  } as Json;
};
const rules = [
  { find: '\\b(crash|panic)', label: 'bug' },
  { find: 'how do i', label: 'question', answer: 'The guide has it.' },
  { find: 'till', label: 'hardware', answer: 'Never the second answer.' },
];

/** A stub of the API for issues, as GitHub documents it. */
async function github(answer: (seen: Seen, comments: { id: number; body: string }[]) => Reply | null = () => null) {
  const comments: { id: number; body: string }[] = [];
  const server = await network((seen) => {
    const other = answer(seen, comments);
    if (other !== null) return other;
    if (seen.method === 'GET') return { body: comments };
    if (seen.path.endsWith('/labels')) return { body: [] };
    comments.push({ id: comments.length + 1, body: jsonOf(seen).body });
    return { status: 201, body: comments.at(-1) };
  });
  const triage = (input: Json, world: World = {}) =>
    runPlugin(githubTriage, {
      input,
      secrets: { GITHUB_TOKEN: 'ghs_x' },
      ...world,
      settings: { api: server.url, rules, settle: '0s', ...(world.settings as object) },
    });
  return { triage, seen: server.seen, comments };
}

it('labels by each rule that fits, and answers by the first that has an answer', async () => {
  const { triage, seen, comments } = await github();
  const { result } = await triage(delivery('How do I open the till?'));
  expect(result).toEqual({
    triaged: true,
    issue: 'shop/till#7',
    labels: ['bug', 'question', 'hardware'],
    answered: true,
    by: 'rules',
  });
  expect(seen[0]).toMatchObject({
    path: '/repos/shop/till/issues/7/labels',
    headers: { authorization: 'Bearer ghs_x', 'user-agent': 'daruma' },
  });
  expect(jsonOf(seen[0])).toEqual({ labels: ['bug', 'question', 'hardware'] });
  expect(comments).toEqual([{ id: 1, body: 'The guide has it.\n\n<!-- daruma job-1 -->' }]);
});

it('leaves alone what is no new issue of a person, and changes nothing in a dry run', async () => {
  const { triage, seen } = await github();
  const others = [
    delivery('x', {}, 'edited'),
    delivery('x', { user: { login: 'b[bot]', type: 'Bot' } }),
    delivery('x', { pull_request: {} }),
  ];
  for (const other of others) expect((await triage(other)).result).toEqual({ triaged: false });
  const dry = await triage(delivery('Nothing fits', { body: null }), {
    settings: { dryRun: true, otherwise: 'triage' },
  });
  expect(dry.result).toMatchObject({ dryRun: true, labels: ['triage'], answered: false });
  expect(seen).toEqual([]);
});

it('answers once, also where GitHub took the comment and never said so', async () => {
  const { triage, comments } = await github((seen, kept) => {
    if (seen.method === 'GET' || seen.path.endsWith('/labels') || kept.length > 0) return null;
    kept.push({ id: 1, body: jsonOf(seen).body });
    return 'drop';
  });
  const effects: NonNullable<World['effects']> = new Map();
  await expect(triage(delivery('How do I?'), { effects })).rejects.toThrow('not known whether it was posted');
  await expect(triage(delivery('How do I?'), { effects })).resolves.toMatchObject({ result: { answered: true } });
  expect(comments).toHaveLength(1);
});

it('a model chooses among the labels of the rules; the rules sort where it cannot', async () => {
  const { triage } = await github();
  const settings = { sorting: 'model' };
  const llm = llmSaying({ labels: ['hardware'] });
  expect((await triage(delivery('It beeps'), { settings, llm })).result).toMatchObject({
    labels: ['hardware'],
    by: 'own small',
  });
  const down = llmSaying(Object.assign(new Error('no rung'), { code: 'MODELS_DOWN' }));
  for (const world of [{ settings }, { settings, llm: down }])
    expect((await triage(delivery('It beeps'), world)).result).toMatchObject({ labels: ['bug'], by: 'rules' });
  await expect(triage(delivery('x'), { settings: { rules: [{ find: '(', label: 'l' }] } })).rejects.toThrow(GiveUp);
});
