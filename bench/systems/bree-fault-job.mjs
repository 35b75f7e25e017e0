/** A job of Bree that fails in its first run, and writes down when it starts and when it fails. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { fail } from './fail.mjs';

const [file, fault, limitMb] = process.argv.slice(2);
const bytes = () => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};
const note = (what) => appendFileSync(file, `${what} ${Date.now()} ${process.pid} ${process.memoryUsage.rss()}\n`);
note('start');
const lives = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('start')).length;
if (lives === 1) {
  if (fault === 'children') {
    // The children leave the group and lose their parent, as a daemon does; the run ends.
    const script = 'for n in 1 2 3; do setsid sleep 120 >/dev/null 2>&1 & echo $!; done';
    for (const pid of execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trim().split('\n')) note(`child:${pid}`);
    note('fault');
  } else fail(fault, note, { limitMb: Number(limitMb), bytes });
}
