import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Hono } from 'hono';
import { logFilesIn } from '../control/log-files.ts';
import { COMPRESSED } from '../kernel/log-names.ts';
import { type AppNeeds, shortAnswer, signedIn, signInPage } from './app.ts';

/** Files that are sent at the same time. */
const MOST_AT_ONCE = 4;
/** A download is cut off after this time, in ms. */
const LONGEST_MS = 600_000;
/** A name that is safe in a header. */
const NAME = /^[\w.-]{1,200}$/;

/** Adds `/logs/files/<name>`: a log file as it is on disk, with the secrets that were known taken out, for operators. */
export function addLogDownloads(app: Hono, needs: AppNeeds, folder: string): void {
  let sending = 0;

  app.get('/logs/files/:name', async (c) => {
    const signed = signedIn(c, needs);
    if (!signed) return signInPage(c, needs);
    if (signed.session.role !== 'operator') return shortAnswer(c, 403, 'log files are for operators: daruma open');
    const name = c.req.param('name');
    // A name is looked up among the files that are there: none leads out of the folder.
    const isThere = NAME.test(name) && logFilesIn(folder).some((one) => one.name === name);
    if (!isThere) return shortAnswer(c, 404, 'there is no such log file');
    if (sending >= MOST_AT_ONCE) return shortAnswer(c, 503, `${MOST_AT_ONCE} log files are being sent already`);
    sending += 1;
    const file = await openFile(join(folder, name));
    if (!file || c.req.method === 'HEAD') {
      sending -= 1;
      await file?.handle.close();
      return file ? c.body(null, 200, headersOf(name, file.bytes)) : shortAnswer(c, 404, 'the log file is gone');
    }
    // Lines that are written meanwhile are not sent: the length is said before.
    const stream = file.handle.createReadStream({ start: 0, end: Math.max(0, file.bytes - 1) });
    const stopClock = needs.time.after(LONGEST_MS, () => stream.destroy());
    stream.once('close', () => {
      sending -= 1;
      stopClock();
    });
    return c.body(Readable.toWeb(stream) as ReadableStream, 200, headersOf(name, file.bytes));
  });
}

async function openFile(path: string) {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    const { size } = await handle.stat();
    return { handle, bytes: size };
  } catch {
    return undefined;
  }
}

function headersOf(name: string, bytes: number): Record<string, string> {
  return {
    'content-type': name.endsWith(COMPRESSED) ? 'application/zstd' : 'text/plain; charset=utf-8',
    'content-length': String(bytes),
    'content-disposition': `attachment; filename="${name}"`,
    'cache-control': 'no-store',
  };
}
