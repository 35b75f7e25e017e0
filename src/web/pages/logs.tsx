import type { Ops } from '../../control/protocol.ts';
import { formatSize } from '../../kernel/units.ts';
import { logQueryOf } from '../log-query.ts';
import type { Page, PageCall } from '../page.ts';
import { SelectField } from './jobs.tsx';
import { LevelChoice, LogLines } from './log-lines.tsx';
import { counted, Section, Table, When, withQuery } from './parts.tsx';
import { inShell } from './shell.tsx';

const PAGE = 300;
/** Files that are listed; the oldest are many and alike. */
const MOST_FILES = 60;

type LogFiles = Ops['logFiles']['value'];

/** The log of the host and its agents, newest page first, and the files that it is kept in. */
export const logsPage: Page = {
  path: '/logs',
  async render(call) {
    const before = call.query.get('before')?.slice(0, 200).trim() || undefined;
    const asked = logQueryOf(call.query);
    const isFollowed = before === undefined && call.query.has('follow') && !call.down;
    const [lines, files] = await Promise.all([
      call.ask('logs', { ...asked, limit: PAGE, ...(before ? { before } : {}) }),
      call.ask('logFiles', {}).catch((): LogFiles => []),
    ]);
    const follow = isFollowed ? new URLSearchParams({ follow: '1', ...asked }).toString() : undefined;
    return inShell(call, 'Logs', (status) => (
      <>
        <Filter call={call} agents={status.agents.map(({ name }) => name)} />
        <Section title={before ? 'Older lines' : 'Newest lines'} id="list" aside={<LevelChoice call={call} />}>
          <LogLines lines={lines} call={call} follow={follow} />
          <nav class="pages" aria-label="More lines">
            {before && <a href={withQuery(call, { before: undefined })}>newest</a>}
            {lines.length === PAGE && (
              <a href={withQuery(call, { before: lines[0]!.time, follow: undefined })}>older</a>
            )}
            {!before && !call.down && <FollowSwitch call={call} isFollowed={isFollowed} />}
          </nav>
        </Section>
        <Files files={files} call={call} />
      </>
    ));
  },
};

function FollowSwitch({ call, isFollowed }: { call: PageCall; isFollowed: boolean }) {
  if (!isFollowed) return <a href={withQuery(call, { follow: '1' })}>follow</a>;
  return (
    <>
      <a href={withQuery(call, { follow: undefined })}>stop following</a>{' '}
      <span class="dim" id="follow-state" role="status" />
    </>
  );
}

function Filter({ call: { query }, agents }: { call: PageCall; agents: readonly string[] }) {
  return (
    <form class="filter" method="get" action="/logs" id="filter">
      {query.has('level') && <input type="hidden" name="level" value={query.get('level')!} />}
      {query.has('follow') && <input type="hidden" name="follow" value="1" />}
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

function Files({ files, call }: { files: LogFiles; call: PageCall }) {
  if (files.length === 0) return null;
  const bytes = files.reduce((sum, one) => sum + one.bytes, 0);
  const isOperator = call.viewer.role === 'operator';
  return (
    <Section title={`${counted(files.length, 'file')}, ${formatSize(bytes)}`} id="files">
      <Table label="Files of the log" heads={['File', 'Size', 'Last line', ...(isOperator ? [''] : [])]}>
        {files.slice(0, MOST_FILES).map(({ name, bytes: size, changedAt }) => (
          <tr>
            <th scope="row">{name}</th>
            <td>{formatSize(size)}</td>
            <td>
              <When at={changedAt} clock={call.clock} isRelative />
            </td>
            {isOperator && (
              <td>
                <a href={`/logs/files/${encodeURIComponent(name)}`} download={name} aria-label={`Download ${name}`}>
                  Download
                </a>
              </td>
            )}
          </tr>
        ))}
      </Table>
      {files.length > MOST_FILES && <p class="dim">and {files.length - MOST_FILES} older ones</p>}
    </Section>
  );
}
