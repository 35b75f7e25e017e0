import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { requiredProgram } from '../programs.ts';
import { installation, plugin } from './installation.ts';

/** An HTTPS server on loopback, whose certificate a company's own authority has signed. */
async function companyServer() {
  const folder = mkdtempSync(join(tmpdir(), 'daruma-authority-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const openssl = (...args: string[]) =>
    execFileSync(requiredProgram('openssl'), args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Company authority');
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'own.key',
    '-out',
    'own.pem',
    '-subj',
    '/CN=api',
    ...names,
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  );
  const read = (name: string) => readFileSync(join(folder, name));
  const server = createServer({ key: read('own.key'), cert: read('own.pem') }, (_, answer) => answer.end('hello'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { authority: join(folder, 'ca.pem'), origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const CALLS = (origin: string) =>
  plugin(
    `const by = { context: async () => (await context.fetch('${origin}')).text(), node: async () => (await fetch('${origin}')).text() };
     const said = async (call) => call().catch((error) => String(error.cause?.code ?? error.message));
     const { stdout, code } = await context.exec('curl', ['-sS', '${origin}'], { check: false });
     return { context: await said(by.context), node: await said(by.node), curl: stdout || code };`,
    `needs: { net: ['127.0.0.1'], exec: ['curl'], read: [], write: [] }, limits: { attempts: 1 },`,
  );

it('a server of a company is trusted by plugins and commands where the environment of the host names its authority, and by none without', async () => {
  requiredProgram('curl');
  const { authority, origin } = await companyServer();
  const answersWith = async (env: NodeJS.ProcessEnv) => {
    const place = installation({ 'plugins/asks.ts': CALLS(origin) }, tmpdir(), { env: { ...process.env, ...env } });
    try {
      await place.start();
      return (await place.daruma('run', 'asks', '--wait', '--json')).json.result;
    } finally {
      await place.leave();
    }
  };
  const known = await answersWith({ NODE_EXTRA_CA_CERTS: authority, CURL_CA_BUNDLE: authority });
  expect(known).toEqual({ context: 'hello', node: 'hello', curl: 'hello' });
  const unknown = await answersWith({});
  expect(unknown).toMatchObject({ node: expect.stringMatching(/UNABLE_TO|SELF_SIGNED/), curl: 60 });
  expect(unknown.context).not.toBe('hello');
});
