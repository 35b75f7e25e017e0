import { type FetchOptions, z } from 'daruma';
import type { Locked } from './lockfile.ts';
import { compareVersions, isStable, lineOf, matchesRange } from './versions.ts';

export interface Registry {
  url: string;
  fetch(url: string, init?: FetchOptions): Promise<Response>;
}

/** The memory of a package, so that an unchanged one costs an answer without a body. */
export interface Known {
  etag: string | null;
  latest: string;
  /** The newest stable version of each line; see {@link lineOf}. */
  newest: Record<string, string>;
}

export interface Update {
  name: string;
  installed: string;
  latest: string;
  /** The newest of the line that is installed, which ought to break nothing; null: that is installed. */
  within: string | null;
}

export interface Advisory {
  name: string;
  version: string;
  id: number;
  severity: string;
  title: string;
  url: string;
}

/** The form of metadata that npm itself asks for: versions without their readmes. */
const ABBREVIATED = 'application/vnd.npm.install-v1+json';
const packument = z.object({
  'dist-tags': z.object({ latest: z.string() }),
  versions: z.record(z.string(), z.object({ deprecated: z.union([z.string(), z.boolean()]).optional() })),
});
const bulk = z.record(
  z.string(),
  z.array(
    z.object({
      id: z.number(),
      url: z.string(),
      title: z.string(),
      severity: z.string(),
      vulnerable_versions: z.string(),
    }),
  ),
);

/** Why the registry cannot be reached now; null: it answers. One call, so that a machine without a network counts no server as down. */
export async function unreachable({ url, fetch }: Registry): Promise<string | null> {
  try {
    const answer = await fetch(`${base(url)}/-/ping`, { attempts: 1, timeout: '20s' });
    await answer.body?.cancel();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Asks whether there is a newer version; a package that the registry does not have has none. Throws for other answers. */
export async function newsOf({ name, version }: Locked, before: Known | undefined, { url, fetch }: Registry) {
  const headers = {
    accept: `${ABBREVIATED}; q=1.0, application/json; q=0.8`,
    ...(before?.etag && { 'if-none-match': before.etag }),
  };
  const answer = await fetch(`${base(url)}/${name.replace('/', '%2f')}`, { headers });
  if (answer.status === 404) return { update: null, known: { etag: null, latest: version, newest: {} } };
  if (answer.status !== 304 && !answer.ok) throw new Error(`the registry answered ${answer.status} for ${name}`);
  const known =
    answer.status === 304 && before
      ? before
      : knownOf(packument.parse(await answer.json()), answer.headers.get('etag'));
  return { update: updateOf({ name, version }, known), known };
}

function knownOf({ 'dist-tags': { latest }, versions }: z.output<typeof packument>, etag: string | null): Known {
  const newest: Record<string, string> = {};
  for (const [version, { deprecated }] of Object.entries(versions)) {
    if (!isStable(version) || deprecated) continue;
    const line = lineOf(version);
    if (newest[line] === undefined || compareVersions(version, newest[line]) > 0) newest[line] = version;
  }
  return { etag, latest, newest };
}

function updateOf({ name, version }: Pick<Locked, 'name' | 'version'>, { latest, newest }: Known): Update | null {
  const ofLine = newest[lineOf(version)];
  const within = ofLine !== undefined && compareVersions(ofLine, version) > 0 ? ofLine : null;
  return within === null && compareVersions(latest, version) <= 0 ? null : { name, installed: version, latest, within };
}

/** Advisories against what is installed, the gravest first. `why`: there are none to be had. */
export async function advisoriesOf(
  locked: readonly Locked[],
  { url, fetch }: Registry,
): Promise<{ advisories: Advisory[]; why: string | null }> {
  const versions: Record<string, string[]> = {};
  for (const { name, version } of locked) versions[name] = [...(versions[name] ?? []), version];
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(versions) };
  const answer = await fetch(`${base(url)}/-/npm/v1/security/advisories/bulk`, init).catch((error: Error) => error);
  if (answer instanceof Error) return { advisories: [], why: `the registry could not be asked: ${answer.message}` };
  if (!answer.ok) return { advisories: [], why: `the registry has none: ${answer.status}` };
  const read = bulk.safeParse(await answer.json().catch(() => null));
  if (!read.success) return { advisories: [], why: 'the registry answered in another form' };
  const found = Object.entries(read.data).flatMap(([name, list]) =>
    list.flatMap(({ vulnerable_versions: range, ...one }) =>
      (versions[name] ?? [])
        .filter((version) => matchesRange(version, range))
        .map((version) => ({ name, version, ...one })),
    ),
  );
  return { advisories: found.sort((a, b) => gravity(b) - gravity(a) || (a.name < b.name ? -1 : 1)), why: null };
}

const GRAVITY = ['info', 'low', 'moderate', 'high', 'critical'];
const gravity = ({ severity }: Advisory) => GRAVITY.indexOf(severity);
const base = (url: string) => url.replace(/\/+$/, '');
