import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DarumaHost, makeInstallation, openDaruma } from '../reload/daruma-host.ts';
import type { World } from '../world.ts';
import { until } from '../world.ts';

/** A host of the compiled code with agents and a page. */
export interface PageFleet {
  host: DarumaHost;
  /** `http://127.0.0.1:41234`. */
  origin: string;
  /** The process id of the page as it is now; undefined between two of them. */
  web(): Promise<number | undefined>;
  /** A link that signs one browser in. */
  link(): Promise<string>;
}

const PAGE_WITHIN_MS = 30_000;

/** Starts a host in the world's folder: `files` by their paths, `options` and `env` for its Node. */
export async function openPageFleet(
  world: World,
  files: Readonly<Record<string, string>>,
  { options = [], env = {} }: { options?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<PageFleet> {
  writeFiles(world, { 'config/daruma.yaml': 'web: { port: 0 }\n', ...files });
  const host = await openDaruma(world, options, { DARUMA_WEB: '', ...env });
  const view = async () => (await host.client.ask('status', {})).web;
  if (!(await until(PAGE_WITHIN_MS, async () => (await view()) !== null))) throw new Error('the page does not listen');
  return {
    host,
    origin: new URL((await view())!.url).origin,
    web: async () => (await view())?.pid,
    link: async () => (await host.client.ask('open', {})).url,
  };
}

/** Makes an installation in the world's folder; `files` by their paths. */
export function writeFiles({ folder }: World, files: Readonly<Record<string, string>>) {
  makeInstallation(folder);
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
}

/** Follows a link of `daruma open`; returns the cookie as a header. */
export async function signIn(link: string): Promise<string> {
  const answer = await fetch(link, { redirect: 'manual' });
  const cookie = answer.headers.getSetCookie()[0]?.split(';')[0];
  if (answer.status !== 303 || cookie === undefined) throw new Error(`the link was answered with ${answer.status}`);
  return cookie;
}

/** Children of a process whose command line holds a text. */
export function childrenOf(parent: number, text: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      if (!/^\d+$/.test(name)) return [];
      const of = Number(/^\d+ \(.*\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))![1]);
      return of === parent && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(text) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** Resident and private memory of a process in MB; undefined when it has ended. */
export function memoryOf(pid: number | undefined): { rssMb: number; privateMb: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const kb = (what: string) => Number(new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
    const inMb = (value: number) => Math.round((value / 1024) * 100) / 100;
    return { rssMb: inMb(kb('Rss')), privateMb: inMb(kb('Private_Dirty') + kb('Private_Clean')) };
  } catch {
    return undefined;
  }
}
