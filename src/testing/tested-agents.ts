import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { buildPlugin } from '../catalog/builder/build-plugin.ts';
import type { Builder } from '../catalog/builder/client.ts';
import { readRuntime } from '../catalog/builder/runtime.ts';
import { readAgentFile } from '../catalog/files/agent-file.ts';
import { resolveAgent } from '../catalog/resolve/agent.ts';
import { lookUp } from '../catalog/versions/lookups.ts';
import { createVersions, type StoredVersion } from '../catalog/versions/versions.ts';
import type { SettledFile } from '../catalog/watching/file-scanner.ts';
import type { Agent } from '../jobs/agent.ts';
import type { PlainFault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import { sha256 } from '../kernel/sha256.ts';
import type { Time } from '../kernel/time.ts';
import type { PluginPlace } from './place.ts';
import type { RunOptions } from './ports.ts';
import { readableFault } from './readable-fault.ts';

/** Agents of plugins that are tested, made as the catalog makes them: compiled, inspected, their settings and limits checked. */
export interface TestedAgents {
  /** Compiles what has changed since the last time. Rejects with a fault that names the place and the next step. */
  agent(plugin: PluginPlace, options: Pick<RunOptions, 'settings' | 'limits' | 'timeout'>): Promise<Agent>;
}

interface TestedAgentsNeeds {
  time: Time;
  builder: Builder;
  /** An empty folder for compiled versions. */
  versionsFolder: string;
}

const TIMEZONE = 'UTC';

/** The plugins of tests: `builder` compiles them into `versionsFolder`, each content once. */
export async function openTestedAgents({ time, builder, versionsFolder }: TestedAgentsNeeds): Promise<TestedAgents> {
  const versions = createVersions(versionsFolder);
  const runtime = readRuntime();
  const known = new Map<string, Promise<StoredVersion>>();
  await versions.open();

  async function compiled({ installation, entry, name }: PluginPlace): Promise<StoredVersion> {
    const file: SettledFile = {
      is: 'file',
      hash: await hashOf(resolve(installation, entry)),
      size: 0,
      turn: 0,
      real: entry,
    };
    const files = new Map([[entry, file]]);
    const needs = { time, versions, builder, runtime, files, answers: new Map(), hostTimezone: () => TIMEZONE };
    const { version, fault } = await buildPlugin({ name, entry, folder: installation, lookups: [] }, needs);
    if (!version) throw readableFault(fault!);
    return version;
  }

  /** Questions are answered one after the other: tests that ask at the same time share one compilation. */
  function versionOf(plugin: PluginPlace): Promise<StoredVersion> {
    const key = `${plugin.installation}\n${plugin.entry}`;
    const version = renewed(known.get(key), plugin);
    known.set(key, version);
    return version;
  }

  async function renewed(known: Promise<StoredVersion> | undefined, plugin: PluginPlace): Promise<StoredVersion> {
    const former = await known?.catch(() => undefined);
    return former && !(await hasChanged(former, plugin.installation)) ? former : compiled(plugin);
  }

  return {
    async agent(plugin, { settings = {}, limits, timeout }) {
      const version = await versionOf(plugin);
      const inspected = await builder.inspect({
        bundle: version.ref.file,
        folder: plugin.installation,
        file: version.entry,
        reads: version.ref.reads ?? [],
        settings: [JSON.stringify(settings)],
      });
      if (!inspected.ok) throw readableFault(inspected.fault);
      // JSON is YAML: what a test says is held to the rules of an agent file.
      const said = { plugin: 'tested', settings, limits: { ...limits, ...given({ timeout }) } };
      const read = readAgentFile(plugin.name, 'runPlugin', JSON.stringify(said), {
        timezone: TIMEZONE,
        now: time.now(),
      });
      if ('fault' in read) throw readableFault(withoutPlace(read.fault));
      const { name } = plugin;
      const settingsIssues = inspected.issues[0] ?? [];
      const resolved = resolveAgent({ name, version, file: read.good, hostTimezone: TIMEZONE, settingsIssues });
      if ('fault' in resolved) throw readableFault(withoutPlace(resolved.fault));
      return resolved.agent;
    },
  };
}

/** The fault without its place, which is in a generated text. */
function withoutPlace({ line: _line, column: _column, frame: _frame, ...rest }: PlainFault): PlainFault {
  return rest;
}

async function hasChanged(version: StoredVersion, installation: string): Promise<boolean> {
  const own = version.inputs.filter(({ path }) => !path.includes('node_modules/'));
  const same = await Promise.all(
    own.map(async ({ path, hash }) => (await hashOf(resolve(installation, path))) === hash),
  );
  if (same.includes(false)) return true;
  const asked = (version.lookups ?? []).filter(({ path }) => !path.includes('node_modules'));
  const answers = await Promise.all(asked.map(({ ask, path }) => lookUp(ask, path, installation)));
  return asked.some(({ answer }, index) => answer !== answers[index]);
}

/** null for a file that is not there. */
async function hashOf(file: string): Promise<string | null> {
  const bytes = await readFile(file).catch(() => null);
  return bytes && sha256(bytes);
}
