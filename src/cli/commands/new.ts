import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { AgentView } from '../../control/protocol.ts';
import { nextTime } from '../../kernel/clock.ts';
import { whatIsWrongWith } from '../../kernel/cron/check.ts';
import { DRILL_PREFIX, isDrillAgent } from '../../kernel/drill-agents.ts';
import { Fault, usage } from '../../kernel/fault.ts';
import { formatDuration } from '../../kernel/units.ts';
import { pluginTestText, pluginText } from '../init/texts.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { faultLines } from '../text/fault.ts';
import { pad } from '../text/width.ts';

interface NewOptions {
  schedule?: string;
  about?: string;
}

const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
const PICKED_UP_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 50;

/** Writes a plugin and its test from templates, and waits until the running host, if there is one, has taken it up. */
export async function newCommand(stage: Stage, [name]: Words, options: NewOptions): Promise<CommandResult> {
  const schedule = options.schedule?.trim();
  expectUsable(name!, schedule, stage);
  const file = `plugins/${name}.ts`;
  const text = pluginText({ about: options.about ?? `Says what ${name} is for, in one sentence.`, schedule });
  const test = `plugins/${name}.test.ts`;
  const testText = pluginTestText(name!);
  mustBeFree(stage.folder, name!);
  write(stage.folder, file, text);
  const isNewTest = !existsSync(join(stage.folder, test));
  if (isNewTest) write(stage.folder, test, testText);
  const from = stage.time.monotonic();
  const agent = await pickedUp(stage, name!);
  const tookMs = Math.round(stage.time.monotonic() - from);
  const written = (path: string, content: string) =>
    `${stage.paint('green', '✓')} ${pad(path, test.length)}   ${content.split('\n').length - 1} lines`;
  const lines = [written(file, text), ...(isNewTest ? [written(test, testText)] : [])];
  if (agent?.problem) lines.push(...faultLines(agent.problem, stage.paint));
  else if (agent) {
    const at = agent.schedule === null ? undefined : await nextRun(stage, agent);
    const next = at === undefined ? 'it runs when asked to' : `next run ${nextTime(at, stage.clock)}`;
    lines.push(`${stage.paint('green', '✓')} the running host picked it up in ${formatDuration(tookMs)}, ${next}`);
  }
  const next = agent ? `daruma run ${name} --wait` : 'daruma start';
  lines.push(`  ${stage.paint('cyan', '→')} ${next}        daruma test ${name}`);
  return {
    json: { file, test: isNewTest ? test : null, agent: agent ?? null, tookMs: agent ? tookMs : null },
    lines,
    code: agent?.problem ? 1 : 0,
  };
}

/** Throws USAGE for a name or a schedule that no plugin can have. */
function expectUsable(name: string, schedule: string | undefined, { clock }: Stage): void {
  if (!NAME.test(name)) {
    throw usage(`${name} is no name: small letters, digits and hyphens`, `daruma new ${nearName(name)}`);
  }
  const taken = reserved(name);
  if (taken !== undefined) throw usage(`${name} is reserved: ${taken}`, `daruma new my-${name}`);
  if (schedule !== undefined) {
    const wrong = whatIsWrongWith({ expression: schedule, timezone: clock.zone }, clock.now);
    if (wrong)
      throw usage(`--schedule "${schedule}": ${wrong.message}`, wrong.next ?? `daruma new ${name} --schedule "@daily"`);
  }
}

/** The first slot is written a moment after the agent is in force: until then its time is worked out. */
async function nextRun(stage: Stage, { name, nextSlot }: AgentView): Promise<number | undefined> {
  const [first] = nextSlot ? [nextSlot] : (await stage.ask('next', { agent: name, n: 1 })).times;
  return first === undefined ? undefined : Date.parse(first);
}

function write(folder: string, file: string, text: string): void {
  const name = basename(file).replace(/\..*$/, '');
  mkdirSync(join(folder, 'plugins'), { recursive: true });
  try {
    writeFileSync(join(folder, file), text, { flag: 'wx' });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
    throw new Fault({ code: 'FILE_EXISTS', message: `${file} is there already`, next: `daruma new ${name}-2` });
  }
}

/** The name may be that of a folder with an index file, or of a file with another ending. */
function mustBeFree(folder: string, name: string): void {
  for (const ending of ['ts', 'mts', 'tsx', 'js', 'mjs', 'jsx']) {
    for (const file of [`plugins/${name}.${ending}`, `plugins/${name}/index.${ending}`]) {
      if (!existsSync(join(folder, file))) continue;
      throw new Fault({ code: 'FILE_EXISTS', message: `${file} is there already`, next: `daruma new ${name}-2` });
    }
  }
}

/** Why no plugin may have this name. */
function reserved(name: string): string | undefined {
  if (name === 'lib') return 'plugins/lib/ is for what plugins share';
  return isDrillAgent(name) ? `agents whose names begin with ${DRILL_PREFIX} are those of daruma drill` : undefined;
}

function nearName(name: string): string {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return words.replace(/^-+|-+$/g, '') || 'my-agent';
}

/** The agent as the host lists it; undefined when no host runs. */
async function pickedUp(stage: Stage, name: string): Promise<AgentView | undefined> {
  const until = stage.time.monotonic() + PICKED_UP_WITHIN_MS;
  while (stage.time.monotonic() < until) {
    try {
      const status = await stage.ask('status', { agent: name });
      const agent = status.agents.find((one) => one.name === name);
      if (agent && (agent.version || agent.problem)) return agent;
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      if (thrown.plain.code === 'HOST_DOWN') return undefined;
      if (thrown.plain.code !== 'AGENT_UNKNOWN') throw thrown;
    }
    await stage.time.sleep(LOOK_EVERY_MS);
  }
  const message = `plugins/${name}.ts is written, but the host has not taken it up within ${PICKED_UP_WITHIN_MS / 1_000}s`;
  throw new Fault({ code: 'NOT_PICKED_UP', message, next: 'daruma check' });
}
