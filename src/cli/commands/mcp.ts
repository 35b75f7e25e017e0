import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlClient } from '../../control/client.ts';
import type { Op, Ops } from '../../control/protocol.ts';
import { fullTime } from '../../kernel/clock.ts';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { entryFile } from '../../kernel/paths.ts';
import type { McpHost } from '../../mcp/ports.ts';
import { isHostAway } from '../connection.ts';
import { argumentsOf } from '../options.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';

/** The library of MCP is loaded by this command alone. */
const SERVE = entryFile('mcp/serve.js').href;
const ANSWER_WITHIN_MS = 30_000;
/** A host that was silent is not asked again for so long, in ms: its store answers. */
const SILENT_FOR_MS = 15_000;

/** Serves MCP on stdin and stdout until the client closes them. Without `--write` it asks with the token of readers. */
export async function mcpCommand(stage: Stage, _words: Words, options: { write?: boolean }): Promise<number> {
  if (options.write !== true) process.env.DARUMA_ROLE = 'reader';
  const { serveMcpOverStdio } = (await import(SERVE)) as typeof import('../../mcp/serve.ts');
  await serveMcpOverStdio(stdioHost(stage, options.write === true), (error) => stage.note(error.message));
  return 0;
}

/** The installation by its control socket, or by its store while no host answers. A connection that broke is made anew. */
function stdioHost(stage: Stage, mayAct: boolean): McpHost {
  let connection: Promise<ControlClient> | undefined;
  let silentUntil = 0;
  let down: ReturnType<McpHost['down']>;

  async function askHost<O extends Op>(op: O, args: Ops[O]['args']): Promise<Ops[O]['value']> {
    connection ??= stage.connect('mcp');
    const asked = connection;
    try {
      return await within(stage, (await asked).ask(op, args));
    } catch (thrown) {
      if (isSilent(thrown)) silentUntil = stage.time.monotonic() + SILENT_FOR_MS;
      if ((isHostAway(thrown) || isSilent(thrown)) && connection === asked) connection = undefined;
      throw thrown;
    }
  }

  async function askStore<O extends Op>(op: O, args: Ops[O]['args']): Promise<Ops[O]['value']> {
    const store = await stage.launcher.offline(stage.folder);
    try {
      down = { lastSign: store.lastSign };
      return (await store.ask(op, args)) as Ops[O]['value'];
    } finally {
      store.close();
    }
  }

  return {
    async ask(op, args) {
      if (stage.time.monotonic() < silentUntil) return askStore(op, args);
      try {
        const value = await askAgain(() => askHost(op, args));
        down = undefined;
        return value;
      } catch (thrown) {
        if (isHostAway(thrown) || isSilent(thrown)) return askStore(op, args);
        throw thrown;
      }
    },
    down: () => down,
    acts: mayAct
      ? { plan: (args) => askAgain(() => askHost('plan', args)), apply: (args) => askHost('apply', args) }
      : undefined,
    guide() {
      try {
        return readFileSync(join(stage.folder, 'AGENTS.md'), 'utf8');
      } catch {
        return undefined;
      }
    },
  };
}

/** The connection of before may have ended with its host: a second try makes a new one. */
async function askAgain<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.plain.code === 'HOST_GONE') return ask();
    throw thrown;
  }
}

function isSilent(thrown: unknown): boolean {
  return thrown instanceof Fault && thrown.plain.code === 'HOST_SILENT';
}

function within<T>({ time }: Stage, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = time.after(ANSWER_WITHIN_MS, () => reject(new Fault(silent())));
    answer.then(resolve, reject).finally(cancel);
  });
}

function silent(): PlainFault {
  const message = `the host gave no answer within ${ANSWER_WITHIN_MS / 1_000}s`;
  return { code: 'HOST_SILENT', message, next: 'daruma logs' };
}

/** Makes a token with which an assistant asks over HTTP; the token is shown this once. */
export async function mcpAllowCommand(stage: Stage, [name]: Words, options: object): Promise<CommandResult> {
  const given = argumentsOf('assistantAllow', { ...options }, { clock: stage.clock, command: 'mcp allow' });
  const answer = await stage.ask('assistantAllow', { name: name!, ...given });
  const { role, token, until, url } = answer;
  const may = role === 'operator' ? 'may plan and apply acts' : 'may only read';
  return {
    json: answer,
    lines: [
      token,
      `  ${name} ${may}, until ${fullTime(Date.parse(until), stage.clock)}; the token is shown this once`,
      url === null ? '  there is no page now, so nothing answers yet: daruma doctor' : `  it asks at ${url}`,
    ],
  };
}

/** Lists the assistants that may ask over HTTP. */
export async function mcpListCommand(stage: Stage): Promise<CommandResult> {
  const answer = await stage.ask('assistants', {});
  const lines = answer.map(({ name, role, until }) => {
    const may = role === 'operator' ? 'reads and acts' : 'reads';
    return `${name}  ${may}, until ${fullTime(Date.parse(until), stage.clock)}`;
  });
  return { json: answer, lines: lines.length > 0 ? lines : ['no assistant may ask over HTTP'] };
}

/** Ends the token of an assistant at once. */
export async function mcpRevokeCommand(stage: Stage, [name]: Words): Promise<CommandResult> {
  const answer = await stage.ask('assistantRevoke', { name: name! });
  const said = answer.revoked ? `${name} may ask no more` : `${name} had no token`;
  return { json: answer, lines: [said], code: answer.revoked ? 0 : 1 };
}
