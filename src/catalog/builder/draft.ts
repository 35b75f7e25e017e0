import { mkdir, readFile, realpath, rm } from 'node:fs/promises';
import { isAbsolute, join, parse, resolve } from 'node:path';
import { Fault } from '../../kernel/fault.ts';
import { silentLog } from '../../kernel/log.ts';
import { pathInside } from '../../kernel/paths.ts';
import { sha256 } from '../../kernel/sha256.ts';
import type { Time } from '../../kernel/time.ts';
import { createVersions, type StoredVersion } from '../versions/versions.ts';
import type { SettledFile } from '../watching/file-scanner.ts';
import { buildPlugin } from './build-plugin.ts';
import { createBuilder } from './client.ts';
import { readRuntime } from './runtime.ts';

interface DraftTerms {
  time: Time;
  /** The installation, absolute and without symbolic links. */
  folder: string;
  /** The folder of the version; emptied first. No agent runs a version from it. */
  place: string;
  hostTimezone: string;
}

/**
 * Compiles and inspects a file that no agent runs, as if it were the plugin. `file` is relative to the installation,
 * and inside it: its imports are resolved from there. Rejects with the Fault that the catalog would tell.
 */
export async function compileDraft(plugin: string, file: string, terms: DraftTerms): Promise<StoredVersion> {
  const { time, folder, place, hostTimezone } = terms;
  const { entry, settled } = await readDraft(file, folder);
  const emptyFolder = join(place, '.empty');
  await rm(place, { recursive: true, force: true });
  await mkdir(emptyFolder, { recursive: true });
  const versions = createVersions(place);
  await versions.open();
  const builder = createBuilder(
    { time, log: silentLog },
    { emptyFolder, writes: [place], compileMs: 20_000, inspectMs: 5_000, warmMs: 1_000, parallel: 1 },
  );
  try {
    const needs = {
      time,
      versions,
      builder,
      runtime: readRuntime(),
      files: new Map([[entry, settled]]),
      answers: new Map(),
      hostTimezone: () => hostTimezone,
    };
    const { version, fault } = await buildPlugin({ name: plugin, entry, folder, lookups: [] }, needs);
    if (!version) throw new Fault(fault!);
    return version;
  } finally {
    await builder.stop();
  }
}

/** The file as the scanner of a catalog would have found it, by its path in the installation. Rejects with a Fault. */
async function readDraft(file: string, folder: string): Promise<{ entry: string; settled: SettledFile }> {
  const at = await realpath(resolve(folder, file)).catch(() => undefined);
  const bytes = at && (await readFile(at).catch(() => undefined));
  if (!bytes)
    throw new Fault({ code: 'FILE_MISSING', message: `there is no file ${file}`, next: `name one below ${folder}` });
  const entry = pathInside(folder, at);
  if (isAbsolute(entry)) {
    const message = `${file} is outside of the installation`;
    const next = `move it to plugins/_${parse(file).base}, which is left alone there`;
    throw new Fault({ code: 'FILE_OUTSIDE', message, next });
  }
  const hash = sha256(bytes);
  return {
    entry,
    settled: { is: bytes.length === 0 ? 'empty' : 'file', hash, size: bytes.length, turn: 0, real: entry },
  };
}
