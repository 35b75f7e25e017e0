import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GiveUp, RetryLater, z } from 'daruma';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import commits from '../../docs/recipes/commits.ts';
import priceAlert from '../../docs/recipes/price-alert.ts';
import priceWatch from '../../docs/recipes/price-watch.ts';
import statusPost from '../../plugins/status-post.ts';
import { contextFor } from './context.ts';
import hello from './examples/hello.ts';
import invoice from './examples/invoice.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const readme = read('plugins/README.md');

describe('plugins/README.md', () => {
  it('shows settings that the shipped plugin takes', () => {
    const agent = parse(/```yaml\n([\s\S]*?)```/.exec(readme)![1]!);
    expect(statusPost.settings!.parse(agent.settings)).toEqual({
      channels: ['post-file', 'post-webhook'],
      wording: 'plain',
    });
  });
});

describe('the examples of the guide', () => {
  async function shop(answer: { status: number; body?: unknown }) {
    const server = createServer((request, response) => {
      const allowed = request.headers.authorization === 'Bearer sesame';
      response.writeHead(allowed ? answer.status : 401).end(JSON.stringify(answer.body ?? null));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return { settings: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` } };
  }

  it('price-watch tells of a price that moved, not of one that hardly did', async () => {
    const offers = [
      { id: 'tea', price: 4 },
      { id: 'rice', price: 2 },
    ];
    const { context } = contextFor(priceWatch, await shop({ status: 200, body: offers }));
    const told: unknown[] = [];
    const emit = async (topic: string, data: unknown) => told.push({ topic, data });
    const run = () => priceWatch.run({ ...context, secrets: { SHOP_TOKEN: 'sesame' }, emit });
    expect(await run()).toEqual({ moved: 0 });
    await context.state.set('tea', 5);
    await context.state.set('rice', 1.99);
    expect(await run()).toEqual({ moved: 1 });
    expect(told).toEqual([{ topic: 'price.moved', data: { id: 'tea', before: 5, price: 4 } }]);
  });

  it('price-watch gives up without a valid token, and waits when it is told to', async () => {
    const tried = async (status: number, token: string) => {
      const { context } = contextFor(priceWatch, await shop({ status }));
      return priceWatch.run({ ...context, secrets: { SHOP_TOKEN: token } });
    };
    await expect(tried(200, 'wrong')).rejects.toThrow(GiveUp);
    await expect(tried(429, 'sesame')).rejects.toThrow(RetryLater);
    await expect(tried(500, 'sesame')).rejects.toThrow('the shop answered 500');
  });

  it('price-alert posts what it hears', async () => {
    const input = { topic: 'price.moved', from: 'price-watch', data: { id: 'tea', before: 5, price: 4 } };
    const { context, traces } = contextFor(priceAlert, { input });
    expect(await priceAlert.run(context)).toEqual({ text: 'tea went from 5 to 4.' });
    expect(traces.sent).toMatchObject([{ agent: 'post-file', key: 'price:job-1' }]);
  });

  it('invoice adds up what it is given', () => {
    const input = invoice.input!.parse({ order: 'o-1', lines: [{ what: 'tea', cents: 450 }] });
    const { context, traces } = contextFor({ ...invoice, settings: z.object({}) }, {});
    expect(invoice.run({ ...context, settings: {}, job: { ...context.job, input } })).toEqual({
      order: 'o-1',
      cents: 450,
    });
    expect(traces.summary).toBe('Order o-1: 4.50 EUR');
  });

  it('commits tells what git tells', async () => {
    const commands = (words: string[]) =>
      words.join(' ') === 'git log --since=1 day ago --format=- %s' ? '- a\n- b\n' : '';
    const { context, traces } = contextFor(commits, { commands });
    expect(await commits.run(context)).toEqual({ commits: 2 });
    expect(traces.summary).toBe('- a\n- b\n');
  });

  it('hello says hello', () => {
    const said: string[] = [];
    const log = { debug() {}, warn() {}, error() {}, info: (text: string) => void said.push(text) };
    hello.run({ log } as never);
    expect(said).toEqual(['hello']);
  });
});
