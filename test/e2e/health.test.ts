import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { requiredProgram } from '../programs.ts';
import { NO_DISK, type SmallDisk, smallDisk } from './disk.ts';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation;
let disk: SmallDisk | undefined;
let server: ChildProcess | undefined;
afterEach(async () => {
  if (server) {
    server.kill('SIGKILL');
    await once(server, 'close');
    server = undefined;
  }
  await place.leave();
  disk?.remove();
  disk = undefined;
  process.env.DARUMA_WEB = 'off';
});

const FINE = plugin('return 1;', `schedule: '* * * * * *',`);
const FAILS = plugin(`throw new Error('hunter2');`, 'limits: { attempts: 1 },');

/** Starts a host with its page; resolves with the address. */
async function started(files: Record<string, string>, options = {}): Promise<string> {
  delete process.env.DARUMA_WEB;
  place = installation({ 'config/daruma.yaml': 'web: { port: 0 }\n', ...files });
  await place.start(options);
  const { json } = await place.until(
    () => place.daruma('status', '--json'),
    (said) => said.json.web !== null,
  );
  return json.web.url;
}

async function probe(url: string, path: string) {
  const begun = performance.now();
  const answer = await fetch(`${url}${path}`);
  const text = await answer.text();
  return {
    status: answer.status,
    text,
    body: path === '/metrics' ? undefined : JSON.parse(text),
    ms: performance.now() - begun,
  };
}
const green = (url: string, path: string) =>
  place.until(
    () => probe(url, path),
    ({ status }) => status === 200,
  );
const codes = ({ body }: { body: { reasons: { code: string }[] } }) => body.reasons.map(({ code }) => code);

it('tells the truth while the host is well, ill, frozen and back, and Prometheus reads its metrics', async () => {
  const url = await started({ 'plugins/fine.ts': FINE, 'plugins/fails.ts': FAILS }, { guardian: false });
  for (const path of ['/livez', '/readyz', '/healthz']) {
    expect((await green(url, path)).body).toEqual({ state: 'ok', reasons: [] });
  }
  expect((await place.daruma('health', '--json')).code).toBe(0);

  await place.daruma('run', 'fails', '--wait');
  const ill = await place.until(
    () => probe(url, '/healthz'),
    ({ status }) => status === 503,
  );
  expect(ill.body).toMatchObject({ state: 'degraded', reasons: [{ code: 'AGENT_FAILED', who: 'fails' }] });
  expect(ill.text).not.toContain('hunter2');
  expect((await probe(url, '/readyz')).status).toBe(200);
  const said = await place.daruma('health', '--json');
  expect(said.code).toBe(3);
  expect(said.json.agents.find(({ name }: { name: string }) => name === 'fine')).toMatchObject({
    lastRun: expect.stringMatching(/Z$/),
    nextSlot: expect.stringMatching(/Z$/),
  });

  const { text } = await probe(url, '/metrics');
  execFileSync(requiredProgram('promtool'), ['check', 'metrics'], { input: text, stdio: 'pipe' });
  expect(text).toMatch(/^daruma_jobs_total\{agent="fine",outcome="done"\} [1-9]/m);
  expect(text).toMatch(/^daruma_jobs_total\{agent="fails",outcome="dead"\} 1$/m);
  expect(text).toMatch(/^daruma_loop_age_seconds\{loop="schedule"\} /m);
  await prometheusReads(url);

  const { pid } = place.host()!;
  process.kill(pid, 'SIGSTOP');
  try {
    for (const path of ['/livez', '/readyz', '/healthz']) {
      const { status, body, ms } = await probe(url, path);
      expect(status).toBe(503);
      expect(body).toMatchObject({ state: 'down', reasons: [{ code: 'HOST_SILENT' }] });
      expect(ms).toBeLessThan(20_000);
    }
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await green(url, '/livez');
  await green(url, '/readyz');
  await place.daruma('dlq', 'drop', '--agent', 'fails', '--yes');
  await place.stop();
  await expect(fetch(`${url}/livez`)).rejects.toThrow();
  const down = await place.daruma('health', '--json');
  expect(down).toMatchObject({ code: 4, json: { state: 'down', reasons: [{ code: 'HOST_DOWN' }] } });
  expect(down.json.loops.length).toBeGreaterThan(10);
});

it('knows programs outside by their pings, with a token, and misses those that are silent', async () => {
  const url = await started({});
  const ping = (name: string, token?: string, method = 'POST') =>
    fetch(`${url}/ping/${name}`, { method, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  const token = place.read('data/ping.token').trim();
  expect((await ping('nas')).status).toBe(401);
  expect((await ping('nas', `${token}x`)).status).toBe(401);
  expect((await ping('nas?within=never', token)).status).toBe(400);
  expect((await ping('a%20b', token)).status).toBe(400);
  expect((await ping('n'.repeat(65), token)).status).toBe(400);
  expect((await ping('nas', token, 'GET')).status).toBe(405);
  expect((await place.daruma('health', '--json')).json.pings).toEqual([]);

  expect(await (await ping('nas', token)).json()).toMatchObject({ name: 'nas', withinMs: 900_000 });
  expect((await ping('mail?within=1ms', token)).status).toBe(200);
  const { body } = await place.until(
    () => probe(url, '/healthz'),
    ({ status }) => status === 503,
  );
  expect(body).toMatchObject({ state: 'degraded', reasons: [{ code: 'PING_LATE', who: 'mail' }] });
  expect((await probe(url, '/metrics')).text).toMatch(/^daruma_ping_age_seconds\{name="mail"\} /m);
  expect((await place.daruma('status', '--json')).json.problems).toMatchObject([{ code: 'PING_LATE' }]);

  await place.stop();
  await place.start();
  const kept = (await place.daruma('health', '--json')).json.pings;
  expect(kept).toMatchObject([
    { name: 'mail', withinMs: 1, late: true },
    { name: 'nas', withinMs: 900_000, late: false },
  ]);
  expect((await place.daruma('health', '--forget', 'mail', '--json')).json).toEqual({ name: 'mail', forgotten: true });
  expect(await place.daruma('health', '--json')).toMatchObject({ code: 0, json: { pings: [{ name: 'nas' }] } });
});

/** Runs Prometheus itself beside the page until it has read a metric of an agent. */
async function prometheusReads(url: string) {
  const at = new URL(url).host;
  place.write(
    'prometheus.yml',
    `global: { scrape_interval: 1s }\nscrape_configs:\n  - { job_name: daruma, static_configs: [{ targets: ['${at}'] }] }\n`,
  );
  server = spawn(
    requiredProgram('prometheus'),
    [
      `--config.file=${join(place.folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(place.folder, 'prometheus')}`,
      '--web.listen-address=127.0.0.1:0',
      '--log.format=json',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const own = await new Promise<string>((resolve, reject) => {
    let said = '';
    server!.stderr!.on('data', (text) => {
      said += text;
      const found = /"address":"(127\.0\.0\.1:[1-9]\d*)"/.exec(said);
      if (found) resolve(found[1]!);
    });
    server!.once('close', (code) => reject(new Error(`prometheus ended with ${code}: ${said}`)));
  });
  const query = async (text: string) => {
    const answer = await fetch(`http://${own}/api/v1/query?query=${encodeURIComponent(text)}`);
    // A server that is starting answers 503.
    return answer.ok ? ((await answer.json()) as { data: { result: unknown[] } }).data.result : [];
  };
  await place.until(
    () => query('daruma_jobs_total{agent="fine",outcome="done"} > 0'),
    (found) => found.length === 1,
  );
  expect(await query('up{job="daruma"} == 1')).toHaveLength(1);
  expect(await query('histogram_quantile(0.95, daruma_attempt_duration_seconds_bucket{agent="fine"})')).toHaveLength(1);
}

it('is not ready while the disk of the store is full, and ready again by itself when there is room', async (context) => {
  disk = smallDisk(8 * 1024 ** 2);
  if (!disk) return context.skip(NO_DISK);
  const url = await started({
    'plugins/fine.ts': FINE,
    'config/daruma.yaml': `web: { port: 0 }\nstore: { file: ${disk.path}/store.db }\n`,
  });
  await green(url, '/readyz');
  disk.fill();
  const full = await place.until(
    () => probe(url, '/readyz'),
    ({ status }) => status === 503,
  );
  expect(codes(full)).toContain('STORE_REFUSES');
  expect((await probe(url, '/livez')).status).toBe(200);
  disk.free();
  await green(url, '/readyz');
});
