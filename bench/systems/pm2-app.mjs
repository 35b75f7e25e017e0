/** An app for PM2 that fails in a given way after a second, and writes down when it starts and when it fails. */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

const [file, fault, limitMb] = process.argv.slice(2);
const note = (what) =>
  appendFileSync(file, `${what} ${Date.now()} ${process.pid} ${process.memoryUsage.rss()}\n`, { flag: 'as' });
note('start');
const held = [];
const begin = () => {
  switch (fault) {
    case 'crash':
      note('fault');
      throw new Error('a fault on purpose');
    case 'buffers': {
      let isOver = false;
      setInterval(() => {
        held.push(Buffer.alloc(1024 ** 2, 1));
        if (!isOver && process.memoryUsage.rss() > Number(limitMb) * 1024 ** 2) {
          isOver = true;
          note('fault');
        }
        if (isOver && held.length % 10 === 0) note('memory');
      }, 50);
      return;
    }
    case 'spin':
      note('fault');
      for (;;);
    case 'silence':
      note('fault');
      setInterval(() => {}, 1_000);
      return;
    case 'children':
      for (let index = 0; index < 3; index++) note(`child:${spawn('sleep', ['120'], { stdio: 'ignore' }).pid}`);
      note('fault');
      process.kill(process.pid, 'SIGKILL');
  }
};
// Only the first life fails: the second one is the repair.
const lives = (await import('node:fs'))
  .readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('start')).length;
if (lives === 1) setTimeout(begin, 1_000);
setInterval(() => {}, 1_000);
