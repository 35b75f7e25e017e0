import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { whatIsWrongWith } from '../../kernel/cron/check.ts';
import { Fault, usage } from '../../kernel/fault.ts';
import { pluginTestText, pluginText } from '../init/texts.ts';
import { copiedFiles, offLinesOf, planCopy, writeCopy } from '../plugins/copy.ts';
import { expectPluginName, pluginFileOf } from '../plugins/names.ts';
import { pickedUp } from '../plugins/picked-up.ts';
import { sourceToCopy } from '../plugins/source.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { pad } from '../text/width.ts';

interface NewOptions {
  schedule?: string;
  about?: string;
  from?: string;
}

/** Writes a plugin from a template or from another plugin, and waits until the running host, if there is one, has taken it up. */
export async function newCommand(stage: Stage, [name]: Words, options: NewOptions): Promise<CommandResult> {
  expectPluginName(name!, 'daruma new');
  const schedule = options.schedule?.trim();
  expectSchedule(name!, schedule, stage);
  expectFree(stage.folder, name!);
  if (options.from !== undefined) return await copyOf(stage, name!, options);
  return await fromTemplate(stage, name!, { about: options.about, schedule });
}

async function fromTemplate(
  stage: Stage,
  name: string,
  { about, schedule }: Pick<NewOptions, 'about' | 'schedule'>,
): Promise<CommandResult> {
  const file = `plugins/${name}.ts`;
  const text = pluginText({ about: about ?? `Says what ${name} is for, in one sentence.`, schedule });
  const test = `plugins/${name}.test.ts`;
  const testText = pluginTestText(name);
  write(stage.folder, file, text);
  const isNewTest = !existsSync(join(stage.folder, test));
  if (isNewTest) write(stage.folder, test, testText);
  const { agent, tookMs, lines: seen } = await pickedUp(stage, name, file);
  const written = (path: string, content: string) =>
    `${stage.paint('green', '✓')} ${pad(path, test.length)}   ${content.split('\n').length - 1} lines`;
  const next = agent ? `daruma run ${name} --wait` : 'daruma start';
  const lines = [
    written(file, text),
    ...(isNewTest ? [written(test, testText)] : []),
    ...seen,
    `  ${stage.paint('cyan', '→')} ${next}        daruma test ${name}`,
  ];
  const json = { file, test: isNewTest ? test : null, parts: [], agentFile: null, agent: agent ?? null, tookMs };
  return { json, lines, code: agent?.problem ? 1 : 0 };
}

/** A copy is off until somebody has looked at it: its source may post, mail or pay each hour. */
async function copyOf(stage: Stage, name: string, { from, schedule, about }: NewOptions): Promise<CommandResult> {
  if (schedule !== undefined || about !== undefined) {
    const message = '--from brings the schedule and the purpose of the plugin that is copied';
    throw usage(message, `daruma new ${name} --from ${from}, then change agents/${name}.yaml`);
  }
  const source = sourceToCopy(stage.folder, from!);
  const asks = await stage.launcher.readPlugin(source.root, source.file);
  const copy = planCopy(source, asks, name, true);
  writeCopy(stage.folder, copy);
  const { agent, tookMs, lines: seen } = await pickedUp(stage, name, copy.file);
  const arrow = stage.paint('cyan', '→');
  const off = offLinesOf(stage.folder, name);
  const lines = [
    ...copiedFiles(copy).map((path) => `${stage.paint('green', '✓')} ${path}`),
    ...seen,
    ...off.map(({ file, line }) => `  ${arrow} to switch it on, take out "enabled: false": ${file}:${line}`),
    `  ${arrow} daruma run ${name} --dry-run        daruma check`,
  ];
  const json = {
    ...{ file: copy.file, test: null, parts: copy.parts, agentFile: copy.agentFile!.path },
    ...{ agent: agent ?? null, tookMs },
  };
  return { json, lines, code: agent?.problem ? 1 : 0 };
}

/** Throws USAGE for a schedule that no plugin can have. */
function expectSchedule(name: string, schedule: string | undefined, { clock }: Stage): void {
  if (schedule === undefined) return;
  const wrong = whatIsWrongWith({ expression: schedule, timezone: clock.zone }, clock.now);
  if (!wrong) return;
  throw usage(`--schedule "${schedule}": ${wrong.message}`, wrong.next ?? `daruma new ${name} --schedule "@daily"`);
}

function write(folder: string, file: string, text: string): void {
  mkdirSync(join(folder, 'plugins'), { recursive: true });
  writeFileSync(join(folder, file), text, { flag: 'wx' });
}

/** Throws `FILE_EXISTS` where a plugin of that name is. */
function expectFree(folder: string, name: string): void {
  const file = pluginFileOf(folder, name);
  if (file === undefined) return;
  throw new Fault({ code: 'FILE_EXISTS', message: `${file} is there already`, next: `daruma new ${name}-2` });
}
