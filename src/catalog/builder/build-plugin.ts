import { readFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import type { Time } from '../../kernel/time.ts';
import { readManifest } from '../files/plugin-manifest.ts';
import { tooBig } from '../files/source-limit.ts';
import { BUNDLE_FILE } from '../versions/files.ts';
import { keyOf, type Lookup } from '../versions/lookups.ts';
import type { StoredVersion, Versions } from '../versions/versions.ts';
import type { SettledFile } from '../watching/file-scanner.ts';
import type { BuildNotes } from './build-notes.ts';
import type { Builder } from './client.ts';
import type { CompiledInput } from './messages.ts';
import type { Runtime } from './runtime.ts';

/** The result of building a plugin: a good version, or what is wrong. */
export interface BuildResult {
  version?: StoredVersion;
  fault?: PlainFault;
  /** The files that went into the result: when one of them changes, the plugin is built again. */
  inputs: Pick<CompiledInput, 'path' | 'hash'>[];
  /** The lookups on which its imports hang: when an answer changes, the plugin is built again, too. */
  lookups: Lookup[];
  /** The real path of its file. */
  real?: string;
}

/** The services and facts that a build uses. */
export interface BuildNeeds {
  time: Time;
  versions: Versions;
  builder: Builder;
  runtime: Runtime;
  files: ReadonlyMap<string, SettledFile>;
  /** Answers to lookups as they are now, by their keys; a lookup that is missing here may have any answer. */
  answers: ReadonlyMap<string, { answer: string }>;
  hostTimezone(): string;
  linkFolders?: readonly string[];
  /** Undefined where no next host is to be warned. */
  notes?: BuildNotes;
}

/** The plugin whose version is wanted. */
interface BuildAsk {
  name: string;
  /** The plugin's file, relative to the installation. */
  entry: string;
  /** The installation, absolute. */
  folder: string;
  /** Lookups of its imports at the last compilation; empty for a plugin that is new. */
  lookups: readonly Lookup[];
}

/** Finds a plugin's version: one that was made of the same files before, else a new one, compiled and inspected. */
export async function buildPlugin(ask: BuildAsk, needs: BuildNeeds): Promise<BuildResult> {
  const { name, entry } = ask;
  const { versions, files } = needs;
  const file = files.get(entry)!;
  const real = file.real === undefined ? {} : { real: file.real };
  const alone = { inputs: [{ path: entry, hash: file.hash }], lookups: [] };
  if (file.is !== 'file') return { fault: logBuildResult(entry, file), ...alone, ...real };
  const stored = versions.of(name).findLast((version) => isMadeOf(version, entry, needs));
  if (stored) return { version: stored, inputs: stored.inputs, lookups: stored.lookups!, ...real };
  const left = needs.notes?.faultOf(entry, file.hash ?? '');
  if (left) return { fault: left, ...alone, ...real };
  const over = needs.notes?.begin(entry, file.hash ?? '');
  const staging = await versions.stage();
  try {
    return { ...alone, ...(await makeVersion(ask, staging, needs)), ...real };
  } finally {
    over?.();
    await versions.discard(staging);
  }
}

/** Inputs and lookups come along when they are known. */
type Made = Pick<BuildResult, 'version' | 'fault'> & Partial<Pick<BuildResult, 'inputs' | 'lookups'>>;

async function makeVersion(ask: BuildAsk, staging: string, needs: BuildNeeds): Promise<Made> {
  const { name, entry, folder } = ask;
  const { versions, builder, runtime, files, linkFolders = [] } = needs;
  const compiled = await builder
    .compile({
      entry: join(folder, entry),
      folder,
      daruma: runtime.entry,
      runtime: runtime.id,
      staging,
      linkFolders,
      asked: ask.lookups.flatMap((lookup) => (lookup.ask === 'is' && isAbsolute(lookup.path) ? lookup.path : [])),
    })
    .catch((error) => ({ ok: false as const, fault: compileFault(entry, error), inputs: [], lookups: [] }));
  const made = compiled.inputs.length > 0 ? { inputs: compiled.inputs, lookups: compiled.lookups } : {};
  if (!compiled.ok) return { fault: compiled.fault, ...made };
  const { id, inputs, lookups, reads, emits, sourceBytes } = compiled;
  const real = files.get(entry)!.real ?? entry;
  const facts = { plugin: name, id, entry, real, runtime: runtime.id, inputs, lookups, reads, emits, sourceBytes };
  const same = versions.get(name, id);
  const said = same ?? (await manifestOf(ask, { staging, reads }, needs));
  if ('fault' in said) return { fault: said.fault, ...made };
  const { manifest, emptyIssues } = said;
  return { version: await versions.keep(staging, { ...facts, manifest, emptyIssues }), ...made };
}

/** Lets a load process load the plugin, and reads the manifest that comes of it. */
async function manifestOf(
  { entry, folder }: BuildAsk,
  { staging, reads }: { staging: string; reads: readonly string[] },
  { builder, hostTimezone, time }: BuildNeeds,
): Promise<Pick<StoredVersion, 'manifest' | 'emptyIssues'> | { fault: PlainFault }> {
  const inspected = await builder
    .inspect({
      bundle: join(staging, BUNDLE_FILE),
      folder,
      file: entry,
      reads: reads.map((path) => resolve(staging, path)),
      settings: ['{}'],
    })
    .catch((error) => ({ ok: false as const, fault: { ...withoutStack(toPlainFault(error)), file: entry } }));
  if (!inspected.ok) return { fault: inspected.fault };
  const text = await readFile(join(folder, entry), 'utf8').catch(() => '');
  const read = readManifest(inspected.manifest, { file: entry, text, timezone: hostTimezone(), now: time.now() });
  return 'fault' in read ? read : { manifest: read.manifest, emptyIssues: inspected.issues[0] ?? [] };
}

/** Whether a stored version is what compiling the files as they are now would give. */
function isMadeOf(
  version: StoredVersion,
  entry: string,
  { runtime, files, answers }: Pick<BuildNeeds, 'runtime' | 'files' | 'answers'>,
): boolean {
  if (version.entry !== entry || version.runtime !== runtime.id || version.real !== files.get(entry)?.real)
    return false;
  if (!version.lookups?.every((lookup) => answers.get(keyOf(lookup))?.answer === lookup.answer)) return false;
  return version.inputs.every(({ path, hash }) => (files.get(path)?.hash ?? null) === hash);
}

/** The fault of a file that there is no use in compiling. */
export function logBuildResult(path: string, file: SettledFile): PlainFault {
  if (file.is === 'empty') {
    return {
      code: 'FILE_EMPTY',
      message: 'is empty, and taken for unfinished',
      file: path,
      next: 'write it, or remove it',
    };
  }
  if (file.is === 'large') {
    const next = 'move data into a file that the plugin reads';
    return { code: 'PLUGIN_TOO_BIG', message: tooBig(path, file.size), file: path, next };
  }
  const message = `cannot be read: ${file.why ?? file.is}`;
  return { code: 'FILE_UNREADABLE', message, file: path, next: `make it readable for the user that runs daruma` };
}

function compileFault(file: string, thrown: unknown): PlainFault {
  const plain = toPlainFault(thrown);
  if (plain.code === 'BUILDER_TIMEOUT') {
    const message = `compiling it ${plain.message}`;
    return { code: 'PLUGIN_COMPILE_TIMEOUT', message, file, next: 'import less, or smaller packages' };
  }
  return { ...withoutStack(plain), file };
}

function withoutStack({ stack: _, ...rest }: PlainFault): PlainFault {
  return rest;
}
