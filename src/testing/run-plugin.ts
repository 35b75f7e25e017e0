import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join, parse, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kindOfPluginPath, PLUGIN_ENDINGS } from '../catalog/files/names.ts';
import type { Agent } from '../jobs/agent.ts';
import type { PlainFault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import type { PluginLine } from '../kernel/log.ts';
import { MB } from '../kernel/measures.ts';
import type { OwnSeries } from '../kernel/own-series.ts';
import { labelsOf } from '../kernel/series.ts';
import { sketchCount } from '../kernel/sketch.ts';
import { codeFrame } from '../kernel/source-text.ts';
import { suggest } from '../kernel/suggest.ts';
import type { SandboxRun } from '../sandbox/sandbox.ts';
import type { Rehearsal } from '../workers/rehearsal.ts';
import { createTestAnswers } from './answers.ts';
import { createHttp } from './http.ts';
import { type TestKit, withKit } from './kits.ts';
import type { PluginPlace } from './place.ts';
import type { Counted, Ran, RunOptions } from './ports.ts';
import { readableFault } from './readable-fault.ts';
import { recordFile, scrubber } from './record-file.ts';

/**
 * Runs one attempt of a plugin as Daruma runs it: compiled by the same builder, in a worker thread of a cell, with
 * the rights and limits that it asks for. Only the surroundings are the test's: time, HTTP answers, secrets, state.
 * `plugin`: a name in `plugins/`, a path or a URL. Resolves however the attempt ends; rejects when there is no
 * attempt, because the plugin does not compile or the options do not fit it.
 *
 * @example const { state, result } = await runPlugin('price-watch', { http: [{ url: 'https://api.shop.example/',
 * body: [] }] });
 */
export async function runPlugin<Result = unknown>(
  plugin: string | URL,
  options: RunOptions = {},
): Promise<Ran<Result>> {
  const place = pluginPlaceOf(plugin);
  return withKit(place.installation, (kit) => tryOut(kit, place, options)) as Promise<Ran<Result>>;
}

async function tryOut(kit: TestKit, place: PluginPlace, options: RunOptions): Promise<Ran> {
  const agent = await kit.agents.agent(place, options);
  checkOptions(agent, options);
  const { secrets = {}, http } = options;
  const file = typeof http === 'object' && 'record' in http ? recordFile(pathOf(http.record, place)) : undefined;
  const needs = { scrub: scrubber(secrets), file, fetch: globalThis.fetch, suggestedFile: `${place.name}.http.json` };
  const requests = createHttp(http, needs);
  const answers = createTestAnswers(options, requests, agent.needs.exec);
  const folder = options.folder === undefined ? kit.folder() : resolve(options.folder);
  const begun = performance.now();
  try {
    const tried = await kit.run({
      agent,
      secrets,
      rehearsal: rehearsalOf(options, folder),
      job: agent.always ? { ...jobOf(options), trigger: 'always' as const } : jobOf(options),
      stop: options.stop,
      answer: answers.answer,
    });
    const peakBytes = Math.max(answers.peakBytes(), peakIn(tried));
    return {
      ...endOf(tried, place),
      logs: tried.lines.map(logOf),
      ...answers.did(),
      summary: tried.outcome.summary ?? null,
      metrics: tried.series.map(countedOf).sort(byName),
      peakMb: Math.round((peakBytes / MB) * 10) / 10,
      // A worker that was killed cannot say when it ended by its own clock.
      tookMs: tried.end && options.now ? Math.round(performance.now() - begun) : durationOf(tried),
      requests: requests.requests(),
    };
  } finally {
    file?.write();
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

function rehearsalOf({ env = {}, now, http, dryRun }: RunOptions, folder: string): Rehearsal {
  return {
    ...{ folder, env, now: now === undefined ? null : timeOf(now, 'now') },
    net: http === 'real' ? 'real' : 'asked',
    ...(dryRun ? { dryRun } : {}),
  };
}

function endOf(
  { outcome, end }: SandboxRun,
  { installation }: PluginPlace,
): Pick<Ran, 'state' | 'result' | 'error' | 'retry'> {
  if (outcome.is === 'done') {
    return { state: 'done', result: JSON.parse(outcome.result ?? 'null'), error: null, retry: false };
  }
  // A run that was asked to stop has not failed, however it ends.
  if (outcome.fault.code === 'HOST_STOPPED') return { state: 'done', result: null, error: null, retry: false };
  return { state: 'failed', result: null, error: placed(outcome.fault, end, installation), retry: outcome.retry };
}

/** A worker that had to be killed has thrown nothing: its place is where it was found. */
function placed(fault: PlainFault, end: SandboxRun['end'], installation: string): PlainFault {
  const hottest = end?.evidence?.hot?.find(({ file }) => file !== null);
  if (fault.file || !hottest) return fault;
  const { file, line } = hottest;
  if (line === null) return { ...fault, file: file! };
  const path = resolve(installation, file!);
  const frame = existsSync(path) ? codeFrame(readFileSync(path, 'utf8'), line, 1) : undefined;
  return { ...fault, file: file!, line, ...given({ frame }) };
}

function peakIn({ end }: SandboxRun): number {
  const bytes = end?.because.data?.bytes;
  return typeof bytes === 'number' ? bytes : 0;
}

function durationOf({ outcome }: SandboxRun): number {
  return Math.max(0, outcome.finishedAt - outcome.startedAt);
}

function logOf({ level, message, data }: PluginLine): Ran['logs'][number] {
  return { level, message, ...(data === null ? {} : { data: JSON.parse(data) }) };
}

function countedOf({ name, labels, value }: OwnSeries): Counted {
  const series = { name, labels: labelsOf(labels) };
  if (value.kind === 'counter') return { ...series, kind: value.kind, sum: value.sum };
  if (value.kind === 'histogram')
    return { ...series, kind: value.kind, count: sketchCount(value.sketch), sum: value.sum };
  const { last, least, most } = value;
  return { ...series, kind: value.kind, last, least, most };
}

function byName(one: Counted, other: Counted): number {
  const text = ({ name, labels }: Counted) => `${name} ${JSON.stringify(labels)}`;
  return text(one) < text(other) ? -1 : 1;
}

function jobOf({ attempt = 1, slot, input }: RunOptions) {
  return {
    attempt,
    trigger: slot === undefined ? ('manual' as const) : ('schedule' as const),
    slot: slot === undefined ? null : timeOf(slot, 'slot'),
    input: input === undefined ? null : JSON.stringify(input),
  };
}

function timeOf(time: Date | string, name: string): number {
  const ms = new Date(time).getTime();
  if (!Number.isNaN(ms)) return ms;
  throw readableFault({
    code: 'OPTIONS_INVALID',
    message: `${name}: ${JSON.stringify(time)} is no time`,
    next: `${name}: '2026-11-22T12:00:00Z'`,
  });
}

function pathOf(file: string | URL, { installation, entry }: PluginPlace): string {
  if (typeof file !== 'string' || file.startsWith('file:')) return fileURLToPath(file);
  return resolve(join(installation, dirname(entry)), file);
}

/** Throws for options that do not fit the plugin. */
function checkOptions(agent: Agent, options: RunOptions): void {
  checkNames('secrets', options.secrets, agent.needs.secrets, true);
  checkNames('env', options.env, agent.needs.env, false);
  checkStop(agent, options);
}

/** A run that does not end by itself would hold its test up. */
function checkStop({ name, always }: Agent, { stop, timeout, limits }: RunOptions): void {
  if (!always || stop || timeout || limits?.timeout) return;
  throw readableFault({
    code: 'OPTIONS_INVALID',
    message: `${name} runs always: the test has to say when it is to stop`,
    next: 'stop: controller.signal, aborted where the test has seen enough, in an answer of `http` for example',
  });
}

/** Names that a test hands over have to be those that the plugin asks for: any other would never arrive. */
function checkNames(option: 'secrets' | 'env', given: object = {}, needed: Agent['needs']['env'], all: boolean): void {
  for (const name of Object.keys(given)) {
    if (needed.includes(name)) continue;
    const near = suggest(name, needed);
    const next = near ? `did you mean ${near}?` : `add ${option}: ['${name}'] to the plugin's needs`;
    throw readableFault({
      code: 'NOT_IN_NEEDS',
      message: `${option}.${name} is not in needs.${option} of the plugin`,
      next,
    });
  }
  for (const name of all ? needed : []) {
    if (Object.hasOwn(given, name)) continue;
    throw readableFault({
      code: 'SECRET_MISSING',
      message: `the plugin needs the secret ${name}`,
      next: `give runPlugin ${option}: { ${name}: '…' }`,
    });
  }
}

/**
 * Finds the plugin that is meant: a file by its URL or path, or a name in `plugins/` of the installation at or above
 * the working directory. Throws `PLUGIN_MISSING`.
 */
function pluginPlaceOf(plugin: string | URL, from = process.cwd()): PluginPlace {
  if (typeof plugin === 'string' && !plugin.startsWith('file:') && !/[\\/.]/.test(plugin))
    return placeOfName(plugin, from);
  const isUrl = typeof plugin !== 'string' || plugin.startsWith('file:');
  const path = isUrl ? fileURLToPath(plugin) : resolve(from, plugin);
  if (!existsSync(path)) throw missing(path, 'name the file, or write it');
  const file = realpathSync(path);
  const installation = installationAbove(dirname(file)) ?? dirname(file);
  const entry = relative(installation, file).replaceAll('\\', '/');
  const kind = entry.startsWith('plugins/') ? kindOfPluginPath(entry.slice('plugins/'.length)) : undefined;
  return { installation, entry, name: kind?.is === 'plugin' ? kind.name : parse(file).name };
}

function placeOfName(name: string, from: string): PluginPlace {
  const installation = installationAbove(realpathSync(from));
  const entries = PLUGIN_ENDINGS.flatMap((ending) => [`plugins/${name}${ending}`, `plugins/${name}/index${ending}`]);
  const entry = entries.find((path) => installation !== undefined && existsSync(join(installation, path)));
  if (installation === undefined || entry === undefined) throw missing(`plugins/${name}.ts`, `daruma new ${name}`);
  return { installation, entry, name };
}

function installationAbove(start: string): string | undefined {
  for (let folder = start, last = ''; folder !== last; last = folder, folder = dirname(folder)) {
    if (existsSync(join(folder, 'config/daruma.yaml')) || existsSync(join(folder, 'plugins'))) return folder;
  }
  return undefined;
}

function missing(file: string, next: string): Error {
  return readableFault({ code: 'PLUGIN_MISSING', message: `there is no ${file}`, next });
}
