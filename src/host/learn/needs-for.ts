import { dirname, isAbsolute, relative, resolve } from 'node:path';
import type { GrantedNeeds } from '../../jobs/agent.ts';
import { type CommandGrant, grantCovers, takesArguments } from '../../kernel/command-grant.ts';
import { given } from '../../kernel/given.ts';
import { hostAllowListOf } from '../../workers/host-allow-list.ts';
import type { NeedUse } from '../../workers/rehearsal.ts';

/** Facts about the installation for {@link needsFor}. */
export interface NeedsPlace {
  /** The installation; absolute. */
  folder: string;
  /** The kind of file at an absolute path now. */
  kindOf(path: string): 'file' | 'folder' | 'nothing';
  /** Settings whose value names exactly this `host:port`, as `settings.url`. */
  settingOf(host: string): string | undefined;
}

/** The needs that a run asks for. */
export interface LearnedNeeds {
  /** Everything that was declared, and the least that covers the rest of the uses. */
  needs: GrantedNeeds;
  /** Entries of `needs` that were not declared. */
  added: NeedUse[];
  /** Declared entries that no use is covered by. */
  unused: NeedUse[];
}

/** With this many files of a folder the need is the folder. */
const MANY_FILES = 3;

/** Whether a path is the folder or inside of it; both absolute. */
export function isFileWithin(path: string, folder: string): boolean {
  const inside = relative(folder, path);
  return inside === '' || (inside !== '..' && !inside.startsWith('../') && !isAbsolute(inside));
}

/**
 * Folds uses into the smallest `needs`: paths are relative to the installation, three files of a folder are the folder, to
 * write grants to read, a host that a setting names is that setting. Declared entries stay. Pure, but for what `place` says.
 */
export function needsFor(uses: readonly NeedUse[], declared: GrantedNeeds, place: NeedsPlace): LearnedNeeds {
  const of = (need: NeedUse['need']) => uses.filter((use) => use.need === need).map(({ what }) => what);
  const files = filesFor(of('read'), of('write'), declared, place);
  const net = netFor(of('net'), declared.net, place);
  const exec = of('exec').map((what) => JSON.parse(what) as [string, ...string[]]);
  const lacking = exec.filter(([command, ...args]) => !declared.exec.some((grant) => runs(grant, command, args)));
  const added: NeedUse[] = [
    ...names('secrets', of('secrets'), declared.secrets),
    ...entries('net', net.added),
    ...files.added,
    ...entries('exec', [...new Set(lacking.map(([command]) => command))]),
    ...names('modules', of('modules'), declared.modules),
    ...entries('fleet', of('fleet').length > 0 && !declared.fleet ? ['fleet'] : []),
    ...entries('llm', of('llm').length > 0 && declared.llm === false ? ['llm'] : []),
  ];
  const idle = declared.exec.filter((grant) => !exec.some(([name, ...args]) => runs(grant, name, args)));
  const unused: NeedUse[] = [
    ...names('secrets', declared.secrets, of('secrets')),
    ...entries('net', net.unused),
    ...files.unused,
    ...entries('exec', idle.map(textOf)),
    ...names('modules', declared.modules, of('modules')),
    ...entries('fleet', declared.fleet && of('fleet').length === 0 ? ['fleet'] : []),
    ...entries('llm', declared.llm !== false && of('llm').length === 0 ? ['llm'] : []),
  ];
  return { needs: withAdded(declared, added, place), added, unused };
}

function withAdded(declared: GrantedNeeds, added: readonly NeedUse[], { settingOf }: NeedsPlace): GrantedNeeds {
  const more = (need: NeedUse['need']) => added.filter((use) => use.need === need).map(({ what }) => what);
  return {
    secrets: [...declared.secrets, ...more('secrets')],
    env: declared.env,
    net: [...new Set([...declared.net, ...more('net')].map((host) => settingOf(host) ?? host))],
    read: [...declared.read, ...more('read')],
    write: [...declared.write, ...more('write')],
    exec: [...declared.exec, ...more('exec')],
    ...given({ kill: declared.kill }),
    modules: [...declared.modules, ...(more('modules') as 'node:sqlite'[])],
    fleet: declared.fleet || more('fleet').length > 0,
    llm: more('llm').length > 0 ? true : declared.llm,
  };
}

/** The names of a list that another lacks. */
function names(need: NeedUse['need'], list: readonly string[], other: readonly string[]): NeedUse[] {
  return entries(
    need,
    list.filter((name) => !other.includes(name)),
  );
}

/** An entry of `needs.exec` as one text. */
export function textOf(grant: CommandGrant): string {
  return typeof grant === 'string' ? grant : JSON.stringify(grant);
}

const entries = (need: NeedUse['need'], list: readonly string[]): NeedUse[] => list.map((what) => ({ need, what }));

function runs(grant: CommandGrant, command: string, args: string[]): boolean {
  const plain = typeof grant === 'string' ? grant : grant.command;
  const asked = plain === command || plain.split('/').at(-1) === command ? plain : command;
  return grantCovers(plain, asked) && takesArguments(grant, args);
}

function filesFor(read: string[], written: string[], declared: GrantedNeeds, place: NeedsPlace) {
  const { folder } = place;
  const absolute = (paths: readonly string[]) => paths.map((path) => resolve(folder, path));
  const covers = (grants: readonly string[], path: string) => grants.some((grant) => isFileWithin(path, grant));
  const mayWrite = absolute(declared.write);
  const write = folded(
    written.filter((path) => !covers(mayWrite, path)).map((path) => placeToWrite(path, place)),
    place,
  );
  const readable = [...absolute(declared.read), ...mayWrite, ...write];
  const reads = folded(
    read.filter((path) => !covers(readable, path)),
    place,
  );
  const isUnused = (uses: string[]) => (path: string) => !uses.some((use) => isFileWithin(use, resolve(folder, path)));
  return {
    added: [
      ...entries(
        'read',
        reads.map((path) => shortOf(path, folder)),
      ),
      ...entries(
        'write',
        write.map((path) => shortOf(path, folder)),
      ),
    ],
    unused: [
      ...entries('read', declared.read.filter(isUnused(read))),
      ...entries('write', declared.write.filter(isUnused(written))),
    ],
  };
}

/** Daruma makes the folders that may be written: for a file that is not there yet that is the folder around it. */
function placeToWrite(path: string, { folder, kindOf }: NeedsPlace): string {
  const around = dirname(path);
  return kindOf(path) === 'nothing' && around !== folder && !isFileWithin(folder, around) ? around : path;
}

/**
 * Drops paths that are inside of others; many files of a folder become the folder, but never a folder around the installation.
 */
function folded(paths: readonly string[], { folder, kindOf }: NeedsPlace): string[] {
  const files = Map.groupBy(new Set(paths), (path) => (kindOf(path) === 'file' ? dirname(path) : ''));
  const whole = [...files].flatMap(([around, list]) =>
    around !== '' && list.length >= MANY_FILES && !isFileWithin(folder, around) ? [around] : list,
  );
  return whole.filter((path) => !whole.some((other) => other !== path && isFileWithin(path, other))).sort();
}

function shortOf(path: string, folder: string): string {
  return isFileWithin(path, folder) ? relative(folder, path) || '.' : path;
}

function netFor(used: string[], declared: readonly string[], { settingOf }: NeedsPlace) {
  const mayReach = hostAllowListOf(declared);
  const lacking = used.filter((host) => !reaches(mayReach, host));
  return {
    added: [...new Set(lacking.map((host) => settingOf(host) ?? host.replace(/:(?:80|443)$/, '')))],
    unused: declared
      .filter((entry) => !used.some((host) => reaches(hostAllowListOf([entry]), host)))
      .map((entry) => settingOf(entry) ?? entry),
  };
}

function reaches(list: ReturnType<typeof hostAllowListOf>, used: string): boolean {
  const port = /:(\d+)$/.exec(used)?.[1];
  return list(port ? used.slice(0, -port.length - 1) : used, port ? Number(port) : undefined);
}
