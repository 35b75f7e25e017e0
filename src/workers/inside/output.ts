import type { Writable } from 'node:stream';
import type { LogLevel } from '../../kernel/log.ts';
import type { PluginLines } from './plugin-log.ts';

const LONGEST_REST = 64 * 1024;

/** The printed text. */
interface Output {
  /** Reports the half lines of the job, or of all, each as its job's. */
  flush(job?: string): void;
}

/**
 * Makes `console.log` and writes to stdout lines at level info, stderr at level error, warnings of Node at level warn:
 * within the limits of the worker's log, because Node's own streams of a worker grow without bound. `jobNow`: whose code
 * prints; a half line waits for its end apart from those of other jobs.
 */
export function captureOutput(lines: PluginLines, jobNow: () => string): Output {
  const streams = [replaceWrites(process.stdout, 'info'), replaceWrites(process.stderr, 'error')];
  process.on('warning', (warning) => lines.put('warn', jobNow(), `${warning.name}: ${warning.message}`));
  return {
    flush(job) {
      for (const flush of streams) flush(job);
    },
  };

  /** The stream itself must stay: Node's own code for worker threads speaks with it. */
  function replaceWrites(stream: Writable, level: LogLevel): Output['flush'] {
    const rests = new Map<string, string>();
    const take = (chunk: string | Buffer) => {
      const job = jobNow();
      const text = (rests.get(job) ?? '') + (typeof chunk === 'string' ? chunk : chunk.toString('utf8'));
      const parts = text.split('\n');
      const rest = parts.pop()!;
      for (const part of parts) lines.put(level, job, part);
      if (rest !== '') rests.set(job, rest);
      else rests.delete(job);
      if (rest.length > LONGEST_REST) flush();
    };
    const flush = (only?: string) => {
      for (const [job, rest] of rests) {
        if (only !== undefined && job !== only) continue;
        rests.delete(job);
        lines.put(level, job, rest);
      }
    };
    stream._write = (chunk, _encoding, done) => {
      take(chunk);
      done();
    };
    stream._writev = (chunks, done) => {
      for (const { chunk } of chunks) take(chunk);
      done();
    };
    return flush;
  }
}
