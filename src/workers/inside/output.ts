import type { Writable } from 'node:stream';
import type { LogLevel } from '../../kernel/log.ts';
import type { PluginLines } from './plugin-log.ts';

const LONGEST_REST = 64 * 1024;

/**
 * Makes `console.log` and writes to stdout lines at level info, stderr at level error, warnings of Node at level warn:
 * within the limits of the worker's log, because Node's own streams of a worker grow without bound.
 */
export function captureOutput(lines: PluginLines, jobNow: () => string): void {
  replaceWrites(process.stdout, 'info');
  replaceWrites(process.stderr, 'error');
  process.on('warning', (warning) => lines.put('warn', jobNow(), `${warning.name}: ${warning.message}`));

  /** The stream itself must stay: Node's own code for worker threads speaks with it. */
  function replaceWrites(stream: Writable, level: LogLevel) {
    let rest = '';
    const take = (chunk: string | Buffer) => {
      const parts = (rest + (typeof chunk === 'string' ? chunk : chunk.toString('utf8'))).split('\n');
      rest = parts.pop()!;
      for (const part of parts) lines.put(level, jobNow(), part);
      if (rest.length <= LONGEST_REST) return;
      lines.put(level, jobNow(), rest);
      rest = '';
    };
    stream._write = (chunk, _encoding, done) => {
      take(chunk);
      done();
    };
    stream._writev = (chunks, done) => {
      for (const { chunk } of chunks) take(chunk);
      done();
    };
  }
}
