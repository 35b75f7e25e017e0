import type { BatchItemView, BatchView } from '../../control/protocol.ts';
import { actedWords, batchWords } from '../../control/words/batch.ts';
import { fullTime, shortTime } from '../../kernel/clock.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { argumentsOf, type Given } from '../options.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import type { Look } from '../text/status.ts';
import { type Row, table } from '../text/table.ts';

/** Batches, newest first. */
export async function batchListCommand(stage: Stage, _words: Words, options: Given): Promise<CommandResult> {
  const args = argumentsOf('batches', options, { clock: stage.clock, command: 'batch list' });
  const { value: batches, down } = await stage.askAnyway('batches', args);
  return { json: batches, lines: batches.length > 0 ? batchTable(batches, stage) : ['no batches'], code: down ? 4 : 0 };
}

/** A batch, with its jobs and what came of each. */
export async function batchShowCommand(stage: Stage, [id]: Words, options: Given): Promise<CommandResult> {
  const args = argumentsOf('batchItems', options, { clock: stage.clock, command: 'batch show' });
  const { value: batch, down } = await stage.askAnyway('batch', { id: id! });
  const { value: items } = await stage.askAnyway('batchItems', { ...args, id: id! });
  return { json: { ...batch, items }, lines: batchLines(batch, items, stage), code: down ? 4 : 0 };
}

/** Ends a batch where it is. */
export async function batchCancelCommand(stage: Stage, [id]: Words): Promise<CommandResult> {
  const batch = await stage.ask('batchCancel', { id: id! });
  return { json: batch, lines: [`${stage.paint('green', '✓')} ${batch.id} is ended: ${batchWords(batch)}`] };
}

function batchTable(batches: readonly BatchView[], look: Look): string[] {
  const columns = [
    'BATCH',
    'ACT',
    'STATE',
    { title: 'JOBS', right: true },
    'BEGUN',
    { title: 'WHAT CAME OF IT', atLeast: 20 },
  ];
  const rows = batches.map((batch): Row => {
    const { id, act, state, total, startedAt } = batch;
    return [id, act, state, String(total), shortTime(Date.parse(startedAt), look.clock), batchWords(batch)];
  });
  return table(columns, rows, look);
}

function batchLines(batch: BatchView, items: readonly BatchItemView[], look: Look): string[] {
  const { paint, clock } = look;
  const { id, act, state, startedAt, endedAt, filter, named, reason } = batch;
  const { states, ...others } = filter;
  const meant = Object.entries(others).map(([name, value]) => `${name} ${oneLine(String(value))}`);
  const end = endedAt ? `, ended ${shortTime(Date.parse(endedAt), clock)}` : '';
  const lines = [
    `${paint('bold', id)}  ${act}  ${state}`,
    `  begun ${fullTime(Date.parse(startedAt), clock)}${end}`,
    `  of    ${named ? 'jobs that were named' : [`${states.join(', ')} jobs`, ...meant].join(' · ')}`,
    ...(reason ? [`  why   ${oneLine(reason)}`] : []),
    `  ${batchWords(batch)}`,
  ];
  if (items.length === 0) return lines;
  const columns = ['JOB', { title: 'AGENT', atLeast: 12 }, 'RESULT', 'IS NOW', { title: 'WHY', atLeast: 20 }];
  const rows = items.map(
    ({ job, agent, result, state: now, why }): Row => [
      job,
      agent ?? '–',
      result === null ? '–' : actedWords(act, result),
      now ?? '–',
      why ?? '',
    ],
  );
  return [...lines, '', ...table(columns, rows, look)];
}
