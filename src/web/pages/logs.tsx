import type { Page, PageCall } from '../page.ts';
import { SelectField } from './jobs.tsx';
import { LevelChoice, LogLines, levelOf } from './log-lines.tsx';
import { Section, withQuery } from './parts.tsx';
import { inShell } from './shell.tsx';

const PAGE = 300;

/** The log of the host and its agents, newest page first. */
export const logsPage: Page = {
  path: '/logs',
  async render(call) {
    const said = (name: string) => call.query.get(name)?.slice(0, 200).trim() || undefined;
    const [agent, text, before] = [said('agent'), said('text'), said('before')];
    const lines = await call.ask('logs', {
      level: levelOf(call.query),
      limit: PAGE,
      ...(agent ? { agent } : {}),
      ...(text ? { text } : {}),
      ...(before ? { before } : {}),
    });
    return inShell(call, 'Logs', (status) => (
      <>
        <Filter call={call} agents={status.agents.map(({ name }) => name)} />
        <Section title={before ? 'Older lines' : 'Newest lines'} id="list" aside={<LevelChoice call={call} />}>
          <LogLines lines={lines} call={call} />
          <nav class="pages" aria-label="More lines">
            {before && <a href={withQuery(call, { before: undefined })}>newest</a>}
            {lines.length === PAGE && <a href={withQuery(call, { before: lines[0]!.time })}>older</a>}
          </nav>
        </Section>
      </>
    ));
  },
};

function Filter({ call: { query }, agents }: { call: PageCall; agents: readonly string[] }) {
  return (
    <form class="filter" method="get" action="/logs" id="filter">
      {query.has('level') && <input type="hidden" name="level" value={query.get('level')!} />}
      <SelectField name="agent" label="Agent" values={agents.map((value) => ({ value, text: value }))} query={query} />
      <p class="field">
        <label for="f-text">Text</label>
        <input id="f-text" name="text" type="search" value={query.get('text') ?? ''} maxlength={200} data-search />
      </p>
      <button type="submit" class="main">
        Show
      </button>
    </form>
  );
}
