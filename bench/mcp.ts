/**
 * How long `/mcp` takes to answer: each tool, and a plan, asked one after another over HTTP of a host with 20 agents and 2,000 jobs; in both
 * kinds of the protocol. A request is one POST of a client that keeps its connection.
 *
 *   npm run build && node bench/mcp.ts [requests of each kind, default 200]
 *
 * Writes bench/results/mcp.json.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { machineFacts, median } from './machine.ts';
import { openWorld } from './world.ts';

const [requests = '200'] = process.argv.slice(2);
const COUNT = Number(requests);
const MAIN = join(import.meta.dirname, '../dist/main.js');
const AGENTS = 20;
const JOBS_OF_EACH = 100;
const WARM_UP = 20;

const world = openWorld('mcp', { DARUMA_WEB: '' });
const { folder, env } = world;
mkdirSync(join(folder, 'plugins'));
mkdirSync(join(folder, 'config'));
writeFileSync(join(folder, 'config/daruma.yaml'), 'web: { port: 0 }\n');
for (let n = 0; n < AGENTS; n++)
  writeFileSync(
    join(folder, `plugins/agent-${n}.ts`),
    `import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'Counts.',
  schedule: '0 3 * * *',
  async run({ send, job, log }) {
    log.info('counted', { n: ${n} });
    if (job.input === null) for (let at = 0; at < ${JOBS_OF_EACH - 1}; at++) await send('agent-${n}', { at });
    return { n: ${n} };
  },
});
`,
  );
const daruma = (...args: string[]) =>
  JSON.parse(execFileSync(process.execPath, [MAIN, '--dir', folder, ...args, '--json'], { env, encoding: 'utf8' }));

const host = spawn(process.execPath, [MAIN, 'host', '--dir', folder], { env, stdio: ['ignore', 'pipe', 'inherit'] });
await new Promise<void>((resolve) => {
  let printed = '';
  host.stdout.on('data', (text) => {
    printed += text;
    if (printed.includes('ready in')) resolve();
  });
});
for (let n = 0; n < AGENTS; n++) daruma('run', `agent-${n}`, '--wait');
while (daruma('status').agents.some(({ waiting, queued }: { waiting: number; queued: number }) => waiting || queued));
const { token, url } = daruma('mcp', 'allow', 'bench', '--write');
const { pid: webPid } = daruma('status').web;
const [job] = daruma('jobs');

let agent = new Agent({ keepAlive: true, maxSockets: 1 });
function post(body: object, headers: Record<string, string>): Promise<{ tookMs: number; bytes: number }> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method: 'POST',
        agent,
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...headers,
        },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part) => (text += part));
        answer.on('end', () => {
          if (answer.statusCode !== 200 || /"isError":true|"error":\{"code":-/.test(text))
            reject(new Error(`${answer.statusCode} ${text.slice(0, 400)}`));
          else resolve({ tookMs: performance.now() - began, bytes: Buffer.byteLength(text) });
        });
      },
    );
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

const MODERN = '2026-07-28';
const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
let lastId = 0;
function ask(era: 'modern' | 'legacy', method: string, params: Record<string, unknown>) {
  const name = typeof params.name === 'string' ? { 'mcp-name': params.name } : {};
  const isModern = era === 'modern';
  const headers = isModern
    ? { 'mcp-protocol-version': MODERN, 'mcp-method': method, ...name }
    : { 'mcp-protocol-version': '2025-11-25' };
  return post(
    { jsonrpc: '2.0', id: ++lastId, method, params: isModern ? { ...params, _meta: ENVELOPE } : params },
    headers as Record<string, string>,
  );
}

const call = (name: string, args: object = {}) => ['tools/call', { name, arguments: args }] as const;
const KINDS: Record<string, readonly [string, Record<string, unknown>]> = {
  'tools/list': ['tools/list', {}],
  fleet_status: call('fleet_status'),
  'fleet_status of one agent': call('fleet_status', { agent: 'agent-3' }),
  incidents: call('incidents'),
  jobs: call('jobs', { agent: 'agent-3' }),
  'jobs, one': call('jobs', { id: job.id }),
  logs: call('logs', { agent: 'agent-3' }),
  why: call('why', { agent: 'agent-3' }),
  check: call('check'),
  plan_act: call('plan_act', { act: 'pause', agent: 'agent-3' }),
};

const rssMb = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${webPid}/status`, 'utf8'))![1]) / 1024;
const rssBefore = rssMb();
const first = await ask('modern', ...KINDS['tools/list']!);
const rows: Record<string, object> = {};
for (const era of ['modern', 'legacy'] as const) {
  for (const [kind, [method, params]] of Object.entries(KINDS)) {
    const took: number[] = [];
    // A connection carries 1,000 requests.
    agent.destroy();
    agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let bytes = 0;
    for (let n = -WARM_UP; n < COUNT; n++) {
      const answer = await ask(era, method, params);
      if (n >= 0) took.push(answer.tookMs);
      bytes = answer.bytes;
    }
    took.sort((a, b) => a - b);
    const round = (ms: number) => Math.round(ms * 100) / 100;
    rows[`${era} ${kind}`] = {
      medianMs: round(median(took)),
      p99Ms: round(took[Math.ceil(took.length * 0.99) - 1]!),
      bytes,
    };
  }
}
console.table(rows);
const memory = { before: Math.round(rssBefore), after: Math.round(rssMb()) };
console.log(
  `first request ${Math.round(first.tookMs)} ms; web process ${memory.before} MB before, ${memory.after} MB after`,
);
writeFileSync(
  join(import.meta.dirname, 'results/mcp.json'),
  `${JSON.stringify({ machine: machineFacts(), requests: COUNT, firstRequestMs: Math.round(first.tookMs), webProcessMb: memory, rows }, null, 2)}\n`,
);
agent.destroy();
const ended = new Promise((resolve) => host.once('exit', resolve));
host.kill('SIGTERM');
await ended;
world.end();
