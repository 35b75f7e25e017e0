import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createZstdDecompress } from 'node:zlib';
import { definePlugin, z } from 'daruma';
import { addLine, dayBefore, type ErrorHistory, type Finding, findingsOf, pruneHistory } from './lib/log-history.ts';
import { showMany } from './lib/units.ts';

const SHOWN = 20;
const NAME = /\.log(\.zst)?$/;

export default definePlugin({
  about:
    'Groups the errors and warnings of yesterday: which are new, and which came more often than in the week before.',
  schedule: '30 6 * * *',
  settings: z.strictObject({
    days: z.int().min(1).max(7).default(7).describe('Days before yesterday that the first run reads.'),
  }),
  limits: { memory: '128MB', timeout: '15m', silence: '2m', attempts: 3 },
  needs: { read: ['logs'] },
  async run({ settings, folder, beat, state, summary }) {
    const yesterday = dayBefore(new Date().toISOString().slice(0, 10), 1);
    const kept = (await state.get('history')) as { until: string; forms: ErrorHistory } | undefined;
    // Whole days are counted once, whenever and however often it runs.
    const from = kept?.until ?? dayBefore(yesterday, settings.days);
    const forms: ErrorHistory = kept?.forms ?? {};
    for (const file of await filesSince(join(folder, 'logs'), from)) {
      beat(file);
      await addFile(forms, file, (day) => day > from && day <= yesterday);
    }
    const history = pruneHistory(forms, yesterday);
    await state.set('history', { until: yesterday, forms: history });
    const { fresh, rising, errors } = findingsOf(history, yesterday);
    summary(summaryOf(yesterday, errors, fresh, rising));
    return { day: yesterday, errors, new: fresh.slice(0, SHOWN), rising: rising.slice(0, SHOWN) };
  },
});

/** Log files that were written after a day had begun, oldest first. */
async function filesSince(folder: string, day: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => NAME.test(name));
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      // Gone since the list was read: it was compressed, and is found under its other name the next day.
      return { path, writtenAt: (await stat(path).catch(() => undefined))?.mtimeMs ?? 0 };
    }),
  );
  const since = files.filter(({ writtenAt }) => writtenAt >= Date.parse(`${day}T00:00:00Z`));
  return since.sort((a, b) => a.writtenAt - b.writtenAt).map(({ path }) => path);
}

async function addFile(history: ErrorHistory, path: string, isWanted: (day: string) => boolean): Promise<void> {
  const file = createReadStream(path);
  const text = path.endsWith('.zst') ? file.pipe(createZstdDecompress()) : file;
  file.on('error', (error) => text.destroy(error));
  for await (const line of createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY })) {
    const day = /"time":"(\d{4}-\d{2}-\d{2})/.exec(line)?.[1];
    if (day !== undefined && isWanted(day)) addLine(history, line);
  }
}

function summaryOf(day: string, errors: number, fresh: Finding[], rising: Finding[]): string {
  const head = `${day}: ${showMany(errors, 'error')}, ${fresh.length} new, ${rising.length} more often than usual.`;
  const row = ({ from, level, message, count, usual }: Finding) =>
    `| ${from} | ${level} | ${message.replaceAll('|', '\\|')} | ${count} | ${usual} |`;
  const shown = [...fresh, ...rising].slice(0, SHOWN).map(row);
  if (shown.length === 0) return head;
  return [head, '', '| from | level | message | lines | usual |', '| --- | --- | --- | --- | --- |', ...shown].join(
    '\n',
  );
}
