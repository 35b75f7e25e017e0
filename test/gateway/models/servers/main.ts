/**
 * Starts the three servers for drives by hand and benches: `tsx test/gateway/models/servers/main.ts [ports…]`. The first
 * line of output is JSON with their URLs. `POST /test/script` with `{ "next": ["429 seconds"], "always": "hang" }` sets
 * the faults of a server (names: faults.ts).
 */
import { ollamaServer } from './ollama-server.ts';
import { cerebrasServer, groqServer } from './openai-shape.ts';

const [groq, cerebras, ollama] = process.argv.slice(2).map(Number);
const servers = await Promise.all([
  groqServer({ port: groq, keep: 10 }),
  cerebrasServer({ port: cerebras, keep: 10 }),
  ollamaServer({ port: ollama, keep: 10 }),
]);
process.stdout.write(`${JSON.stringify(Object.fromEntries(servers.map(({ provider, url }) => [provider, url])))}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void Promise.all(servers.map((server) => server.stop())));
