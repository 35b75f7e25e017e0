/** An app for PM2 that fails in a given way after a second, and writes down when it starts and when it fails. */
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { fail } from './fail.mjs';

const [file, fault, limitMb] = process.argv.slice(2);
const bytes = () => process.memoryUsage.rss();
const note = (what) => appendFileSync(file, `${what} ${Date.now()} ${process.pid} ${bytes()}\n`, { flag: 'as' });
note('start');
const begin = () => {
  if (fault !== 'children') return fail(fault, note, { limitMb: Number(limitMb), bytes });
  for (let index = 0; index < 3; index++) note(`child:${spawn('sleep', ['120'], { stdio: 'ignore' }).pid}`);
  note('fault');
  process.kill(process.pid, 'SIGKILL');
};
// Only the first life fails: the second one is the repair.
const lives = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('start')).length;
if (lives === 1) setTimeout(begin, 1_000);
setInterval(() => {}, 1_000);
