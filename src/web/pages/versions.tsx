import type { Ops, VersionView } from '../../control/protocol.ts';
import { compareSources } from '../../control/source-diff.ts';
import { shortId } from '../../kernel/short-id.ts';
import { formatSize } from '../../kernel/units.ts';
import type { Page, PageCall } from '../page.ts';
import { Act, addressOf, Said, Section, State, Table, When } from './parts.tsx';
import { inShell } from './shell.tsx';

type Versions = Ops['versions']['value'];

const MOST_LINES = 600;

/** The versions of a plugin, what two of them differ in, and the way back to one. */
export const versionsPage: Page = {
  path: '/versions/:name',
  async render(call) {
    const versions = await call.ask('versions', { plugin: call.params.name! });
    const pair = pairOf(versions, call.query);
    const files = pair && call.viewer.role === 'operator' ? await differences(call, versions.plugin, pair) : undefined;
    return inShell(call, `Versions of ${versions.plugin}`, () => (
      <>
        <VersionTable versions={versions} call={call} />
        {pair && files && (
          <Section title={`From ${shortId(pair[0])} to ${shortId(pair[1])}`} id="diff">
            <Diff files={files} />
          </Section>
        )}
      </>
    ));
  },
};

/** The versions that are asked for, or the newest two. */
function pairOf({ versions }: Versions, query: URLSearchParams): [string, string] | undefined {
  const known = (said: string | null) => versions.find(({ id }) => id === said)?.id;
  const newer = known(query.get('to')) ?? versions[0]?.id;
  const older = known(query.get('from')) ?? versions[versions.findIndex(({ id }) => id === newer) + 1]?.id;
  return older && newer && older !== newer ? [older, newer] : undefined;
}

async function differences(call: PageCall, plugin: string, pair: readonly string[]) {
  const sources = pair.map((version) => call.ask('sources', { plugin, version }));
  const [older, newer] = await Promise.all(sources).catch(() => []);
  return older && newer ? compareSources(older.files, newer.files) : undefined;
}

function VersionTable({ versions: { versions }, call }: { versions: Versions; call: PageCall }) {
  return (
    <Table label="Versions" heads={['Version', 'Made', 'Size', 'Is', 'Agents', 'Act']}>
      {versions.map((version, place) => (
        <tr id={`version-${version.id}`}>
          <th scope="row">
            <code>{shortId(version.id)}</code>
          </th>
          <td>
            <When at={version.madeAt} clock={call.clock} />
          </td>
          <td>{formatSize(version.bytes)}</td>
          <td>
            <State state={version.rollout} />
          </td>
          <td class="wide">
            <AgentsOf version={version} />
          </td>
          <td class="acts">
            {place > 0 && (
              <a href={`?${new URLSearchParams({ from: version.id, to: versions[0]!.id })}`}>compare with the newest</a>
            )}
            {!call.down && <RollBack version={version} agents={versions.flatMap(({ agents }) => agents)} call={call} />}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function AgentsOf({ version }: { version: VersionView }) {
  return (
    <>
      {version.agents.map(({ agent, is, runs, why }) => (
        <p>
          <a href={addressOf('agents', agent)}>{agent}</a> {runs ? 'runs it' : is}{' '}
          {why && <Said text={why} most={200} />}
        </p>
      ))}
    </>
  );
}

/** A button for each agent of the plugin that does not run the version. */
function RollBack({ version, agents, call }: { version: VersionView; agents: VersionView['agents']; call: PageCall }) {
  const runs = new Set(version.agents.filter((one) => one.runs).map(({ agent }) => agent));
  const names = [...new Set(agents.map(({ agent }) => agent))].filter((name) => !runs.has(name)).slice(0, 10);
  const force = version.rollout === 'bad' ? 'true' : undefined;
  return (
    <>
      {names.map((agent) => (
        <Act
          call={call}
          op="rollback"
          args={{ agent, version: version.id, force }}
          label={`${force ? 'Force' : 'Put'} ${agent} on it`}
          look={force ? 'danger' : 'plain'}
        />
      ))}
    </>
  );
}

function Diff({ files }: { files: ReturnType<typeof compareSources> }) {
  if (files.length === 0) return <p class="empty">Their files are the same.</p>;
  return (
    <>
      {files.map(({ path, is, hunks }) => (
        <figure class="diff">
          <figcaption>
            <code>{path}</code> {is !== 'changed' && is}
          </figcaption>
          <section class="scroll said" tabindex={0} aria-label={`Changes of ${path}`}>
            <pre>
              {hunks
                .flatMap(({ oldStart, newStart, lines }) => [
                  <span class="at">{`@@ ${oldStart} → ${newStart} @@\n`}</span>,
                  ...lines.map(({ sign, text }) => <span class={SIDES[sign]}>{`${sign} ${text}\n`}</span>),
                ])
                .slice(0, MOST_LINES)}
            </pre>
          </section>
        </figure>
      ))}
    </>
  );
}

const SIDES = { '+': 'plus', '-': 'minus', ' ': 'same' } as const;
