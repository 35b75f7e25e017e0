import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { openPm2 } from '../pm2.ts';
import { freePort } from '../servers.ts';
import { openRunRecord } from './ledger.ts';
import { startLoad } from './load.ts';
import { BROKEN, type System } from './session.ts';

const ANSWERED_WITHIN_MS = 10_000;

interface Way {
  name: string;
  note: string;
  file: 'app.cjs' | 'app.mjs';
  /** On SIGINT it ends what it has, and takes nothing more. */
  isGraceful: boolean;
  /** `pm2 reload` after each save, of two instances in a cluster; otherwise `watch`. */
  isReloaded: boolean;
}

const WAYS: readonly Way[] = [
  {
    name: 'PM2 --watch',
    note: 'CommonJS, no signal handler; fork mode',
    file: 'app.cjs',
    isGraceful: false,
    isReloaded: false,
  },
  {
    name: 'PM2 --watch, graceful',
    note: 'ES module that ends its requests on SIGINT; fork mode',
    file: 'app.mjs',
    isGraceful: true,
    isReloaded: false,
  },
  {
    name: 'PM2 reload',
    note: '`pm2 reload` is called after each save; two in a cluster, CommonJS, graceful, `wait_ready`',
    file: 'app.cjs',
    isGraceful: true,
    isReloaded: true,
  },
];

/** PM2 has no jobs: each is a request to a server on loopback, on a connection of its own, never tried again. */
export const pm2Systems: readonly System[] = WAYS.map(({ name, note, file, isGraceful, isReloaded }) => ({
  name,
  note,
  async open(world, { perSecond, jobMs }) {
    const [app, out] = [join(world.folder, 'app'), join(world.folder, 'out')];
    for (const folder of [app, out]) mkdirSync(folder);
    const port = await freePort();
    const runRecord = openRunRecord(join(out, 'ran.txt'));
    const pm2 = openPm2(world);
    let reloading: Promise<unknown> = Promise.resolve();
    const saveText = (text: string) => {
      writeFileSync(join(app, file), text);
      // A reload that fails says so, and is one of the things that are watched.
      if (isReloaded && pm2.daemon()) reloading = reloading.then(() => pm2.do('reload', 'app').catch(() => {}));
    };
    const save = (mark: string) =>
      saveText(program(file, mark, { runRecord: runRecord.file, port, jobMs, isGraceful }));
    save('v0');
    await pm2.start({
      name: 'app',
      script: file,
      cwd: app,
      ...(isReloaded ? { exec_mode: 'cluster', instances: 2, wait_ready: true } : { watch: true }),
    });
    const rest = { cut: 0, refused: 0, 'not answered': 0 };
    let done = 0;
    const load = startLoad(perSecond, async (job) => {
      const end = await asked(port, job);
      if (end === 'done') done++;
      else rest[end]++;
    });
    return {
      runRecord,
      save,
      saveBroken: () => saveText(BROKEN),
      saveNew: (mark) =>
        writeFileSync(
          join(app, `late${file.slice(3)}`),
          program(file, mark, { runRecord: runRecord.file, port: 0, jobMs, isGraceful }),
        ),
      rested: async () => void (await reloading),
      async stands() {
        const apps = await pm2.apps();
        return [...new Set(apps.map(({ status }) => status))].join(', ');
      },
      async work() {
        const { offered } = load;
        while (done + rest.cut + rest.refused + rest['not answered'] < offered) {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        return {
          offered,
          done: offered - rest.cut - rest.refused - rest['not answered'],
          rest: { ...rest },
        };
      },
      async close() {
        await load.stop();
        await reloading;
      },
    };
  },
}));

type End = 'done' | 'cut' | 'refused' | 'not answered';

function asked(port: number, job: number): Promise<End> {
  return new Promise((resolve) => {
    const asking = request({ host: '127.0.0.1', port, path: `/${job}`, agent: false, timeout: ANSWERED_WITHIN_MS });
    asking.once('response', (response) => {
      response.resume();
      response.once('end', () => resolve(response.complete ? 'done' : 'cut'));
      response.once('error', () => resolve('cut'));
    });
    asking.once('timeout', () => {
      resolve('not answered');
      asking.destroy();
    });
    asking.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED' ? 'refused' : 'cut'));
    asking.end();
  });
}

function program(
  file: Way['file'],
  mark: string,
  { runRecord, port, jobMs, isGraceful }: { runRecord: string; port: number; jobMs: number; isGraceful: boolean },
): string {
  const take = (what: string, from: string) =>
    file === 'app.cjs' ? `const { ${what} } = require('${from}');` : `import { ${what} } from '${from}';`;
  return `${take('createServer', 'node:http')}
${take('appendFileSync', 'node:fs')}
const note = (what, job) => appendFileSync('${runRecord}', \`\${what} \${job} ${mark} \${Date.now()}\\n\`);
const server = createServer((request, response) => {
  const job = request.url.slice(1);
  note('b', job);
  setTimeout(() => {
    note('e', job);
    response.end('${mark}');
  }, ${jobMs});
});
server.listen(${port}, '127.0.0.1', () => process.send?.('ready'));
${isGraceful ? `process.once('SIGINT', () => server.close(() => process.exit(0)));` : ''}
${port === 0 ? `note('b', 'new');` : ''}
`;
}
