/**
 * From a fault to the alert of it, delivered: a real host with its guardian, a real SMTP server (smtp-server) and a webhook (node:http) on
 * loopback. A job of an agent gives up; the time runs from the throw in its worker until the server has the whole mail, or the whole
 * request. `warm`: a channel has posted a moment ago · `cold`: its worker and its cell are gone, and are made for the alert.
 *
 *     npm run build && npx tsx bench/alerts.ts [faults, of each of the two; default 30]
 *
 * Takes some 3 minutes. Prints the figures and writes bench/results/alerts.json.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SMTPServer } from 'smtp-server';
import { connectControl } from '../src/control/client.ts';
import { machineFacts, median } from './machine.ts';
import { markdown } from './markdown.ts';
import { openWorld, until } from './world.ts';

const ROOT = join(import.meta.dirname, '..');
const MAIN = join(ROOT, 'dist/main.js');
const FAULTS = Math.max(1, Number(process.argv[2] ?? 30));
const WITHIN_MS = 60_000;
const IDLE_MS = 1_000;
/** Each word has a fault of its own, so that no two are of one cause. */
const SAID = /fault-([a-z]+) at (\d+)/;

type Channel = 'smtp' | 'webhook';
type Times = Record<Channel, number[]>;

/** Times from fault to delivery, by word. */
const arrived = new Map<string, number>();
/** The servers take messages as they come; the first of a fault counts. */
function take(channel: Channel, text: string) {
  const [, word, at] = SAID.exec(text) ?? [];
  const key = `${channel} ${word}`;
  if (word !== undefined && !arrived.has(key)) arrived.set(key, Date.now() - Number(at));
}

const mails = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS', 'AUTH'],
  onData(stream, _, done) {
    let text = '';
    stream.setEncoding('utf8').on('data', (piece) => {
      text += piece;
    });
    stream.on('end', () => {
      // Lines of a mail are folded where they are long.
      take('smtp', text.replace(/=\r\n/g, '').replace(/\r\n/g, ' '));
      done(null, 'taken');
    });
  },
});
mails.on('error', () => {});
const hook = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (piece) => {
    text += piece;
  });
  request.on('end', () => {
    take('webhook', text);
    response.end('ok');
  });
});

const wordOf = (round: number, prefix: string) =>
  `${prefix}${[...String(round)].map((digit) => 'abcdefghij'[Number(digit)]).join('')}`;

async function measure(is: 'warm' | 'cold', ports: Record<Channel, number>): Promise<Times> {
  const world = openWorld('alerts');
  const words = Array.from({ length: FAULTS }, (_, round) => wordOf(round, is));
  try {
    install(world.folder, is, words, ports);
    const host = spawn(process.execPath, [MAIN, 'start', '--json', '--dir', world.folder], {
      ...{ stdio: ['ignore', 'pipe', 'inherit'], env: world.env },
    });
    const ended = new Promise((resolve) => host.once('exit', resolve));
    const ready = await new Promise<{ socket: string }>((resolve, reject) => {
      let said = '';
      host.stdout.on('data', (piece) => {
        said += piece;
        if (said.includes('\n')) resolve(JSON.parse(said.slice(0, said.indexOf('\n'))));
      });
      host.once('exit', (code) => reject(new Error(`the host ended with ${code}: ${said}`)));
    });
    const client = await connectControl(ready.socket);
    const times: Times = { smtp: [], webhook: [] };
    for (const word of words) {
      // Out of step with the loop of alerts, which looks each 15 seconds.
      await delay((is === 'cold' ? 3 * IDLE_MS : 0) + Math.random() * 500);
      await client.ask('run', { agent: word });
      const all: Channel[] = ['smtp', 'webhook'];
      const isThere = await until(WITHIN_MS, () => all.every((channel) => arrived.has(`${channel} ${word}`)));
      if (!isThere) throw new Error(`the alert of ${word} was not delivered within ${WITHIN_MS / 1_000} s`);
      for (const channel of all) times[channel].push(arrived.get(`${channel} ${word}`)!);
    }
    client.close();
    host.kill('SIGTERM');
    await ended;
    return times;
  } finally {
    world.end();
  }
}

function install(folder: string, is: 'warm' | 'cold', words: readonly string[], ports: Record<Channel, number>) {
  for (const part of ['plugins', 'agents', 'config']) mkdirSync(join(folder, part));
  for (const name of ['lib', 'post-email.ts', 'post-webhook.ts'])
    cpSync(join(ROOT, 'plugins', name), join(folder, 'plugins', name), { recursive: true });
  // nodemailer is a package of the installation.
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const write = (path: string, text: string) => writeFileSync(join(folder, path), text);
  write(
    'plugins/breaks.ts',
    `import { definePlugin, GiveUp, z } from 'daruma';
export default definePlugin({
  about: 'Breaks.',
  settings: z.strictObject({ word: z.string().default('x') }),
  async run({ settings }) { throw new GiveUp('fault-' + settings.word + ' at ' + Date.now()); },
});
`,
  );
  for (const word of words) write(`agents/${word}.yaml`, `plugin: breaks\nsettings: { word: ${word} }\n`);
  const mail = `{ server: "smtp://127.0.0.1:${ports.smtp}", from: daruma@shop.example, to: [you@shop.example] }`;
  write('agents/post-email.yaml', `plugin: post-email\nenabled: true\nsettings: ${mail}\nneeds: { secrets: [] }\n`);
  write(
    'agents/post-webhook.yaml',
    `plugin: post-webhook\nenabled: true\nsettings: { url: "http://127.0.0.1:${ports.webhook}/hook" }\nneeds: { secrets: [] }\n`,
  );
  const idle = is === 'cold' ? `cells: { idle: ${IDLE_MS}ms }\n` : '';
  write('config/daruma.yaml', `web: false\nalerts: { open: [post-email, post-webhook] }\n${idle}`);
}

function figures(times: readonly number[]) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)]!;
  return { faults: sorted.length, medianMs: median(sorted), p95Ms: at(0.95), maxMs: sorted.at(-1)! };
}

await new Promise<void>((resolve) => mails.listen(0, '127.0.0.1', resolve));
await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
const ports = {
  smtp: (mails.server.address() as AddressInfo).port,
  webhook: (hook.address() as AddressInfo).port,
};
const rows = [];
for (const is of ['warm', 'cold'] as const) {
  const times = await measure(is, ports);
  for (const channel of ['smtp', 'webhook'] as const) rows.push({ channel, worker: is, ...figures(times[channel]) });
}
mails.close();
hook.close();
hook.closeAllConnections();
console.log(markdown(rows));
mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
writeFileSync(
  join(import.meta.dirname, 'results/alerts.json'),
  `${JSON.stringify({ machine: machineFacts(), rows }, null, 2)}\n`,
);
