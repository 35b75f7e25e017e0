import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { compileDraft } from '../../catalog/builder/draft.ts';
import { expressionOf, type PluginManifest } from '../../catalog/files/plugin-manifest.ts';
import { DEFAULT_LIMITS } from '../../catalog/resolve/limits.ts';
import type { StoredVersion } from '../../catalog/versions/versions.ts';
import type { PluginAsks } from '../../control/protocol.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { machineTime } from '../../kernel/time.ts';
import { checkedTokens } from '../../kernel/units.ts';
import type { LlmLimits } from '../../plugin/define.ts';
import { textOf } from '../learn/needs-for.ts';

const PACKAGE_FOLDERS = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//;

/**
 * Compiles and loads a plugin that no agent runs, behind the fences of the builder, and resolves with what it asks for. `folder`: the root of its
 * imports, absolute; `file` is relative to it. Nothing below `folder` changes. Rejects with the Fault that the catalog would tell.
 */
export async function readPlugin(folder: string, file: string): Promise<PluginAsks> {
  const place = await mkdtemp(join(tmpdir(), 'daruma-plugin-'));
  try {
    const root = await realpath(folder);
    const { timeZone: hostTimezone } = Intl.DateTimeFormat().resolvedOptions();
    const version = await compileDraft('plugin', file, { time: machineTime, folder: root, place, hostTimezone });
    return asksOf(version);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

function asksOf({ manifest, entry, inputs, emptyIssues }: StoredVersion): PluginAsks {
  const files = inputs.filter(
    ({ path, hash }) => hash !== null && path !== entry && !/tsconfig[^/]*\.json$/.test(path),
  );
  const packages = files.flatMap(({ path }) => PACKAGE_FOLDERS.exec(path)?.[1] ?? []);
  const own = files.filter(({ path }) => !PACKAGE_FOLDERS.test(path));
  return {
    about: manifest.about,
    schedule: expressionOf(manifest) ?? null,
    starts: [
      ...(manifest.always ? ['always'] : []),
      ...(manifest.on ?? []).map((topic) => `event ${topic}`),
      ...(manifest.webhook ? ['deliveries'] : []),
      ...(manifest.firstRun ? ['one job as soon as it is new'] : []),
    ],
    memory: String(manifest.limits?.memory ?? DEFAULT_LIMITS.memory),
    needs: needsOf(manifest),
    settings: settingsOf(manifest.settingsSchema, new Set(emptyIssues.map(({ path }) => String(path[0])))),
    // Files outside of the folder have absolute paths.
    parts: own.map(({ path }) => (isAbsolute(path) ? path : relative(dirname(entry), path))).sort(),
    packages: [...new Set(packages)].sort(),
  };
}

function needsOf({ needs = {} }: PluginManifest): PluginAsks['needs'] {
  const { exec, fleet, llm, ...lists } = needs;
  const said = Object.entries({ ...lists, exec: exec?.map(textOf) }).filter(([, list]) => (list?.length ?? 0) > 0);
  return { ...Object.fromEntries(said), ...(fleet ? { fleet } : {}), ...(llm ? { llm: modelsOf(llm) } : {}) };
}

function modelsOf(llm: true | LlmLimits): PluginAsks['needs']['llm'] {
  if (llm === true) return true;
  const { tokens, ...others } = llm;
  return { ...others, ...(tokens === undefined ? {} : { tokens: checkedTokens(tokens, BOUNDS.tokens) }) };
}

function settingsOf(schema: unknown, lacking: ReadonlySet<string>): PluginAsks['settings'] {
  const { properties = {} } = (schema ?? {}) as { properties?: Record<string, { description?: string }> };
  return Object.entries(properties).map(([name, { description }]) => ({
    name,
    about: description ?? null,
    mustBeSet: lacking.has(name),
  }));
}
