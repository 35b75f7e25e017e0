import { type CommandGrant, grantedCommand, takesArguments } from '../kernel/command-grant.ts';
import { Fault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import { notInNeeds } from '../kernel/needs-fault.ts';
import type { ExecResult } from '../plugin/context.ts';
import { type CallTo, createAnswers, type FleetCall, type KnownEffect, type SandboxSend } from '../sandbox/answers.ts';
import { type AskedModel, askedModel, modelAnswer } from '../sandbox/models.ts';
import type { WorkerCall } from '../workers/ports.ts';
import type { AskedFetch, FetchAnswer } from '../workers/rehearsal.ts';
import type { HttpAnswers } from './http.ts';
import type { Effect, Ran, RunOptions, Sent } from './ports.ts';

/** Answers one attempt of a test with what the test says, and keeps an account of what the attempt did. */
interface TestAnswers {
  answer(call: WorkerCall): Promise<unknown>;
  did(): Pick<Ran, 'sends' | 'events' | 'effects' | 'stateAfter' | 'models'>;
  /** The most memory that its worker reported. */
  peakBytes(): number;
}

/** `grants`: the commands that the plugin's `needs.exec` names. */
export function createTestAnswers(
  options: RunOptions,
  http: HttpAnswers,
  grants: readonly CommandGrant[],
): TestAnswers {
  const state = new Map(Object.entries(options.state ?? {}).map(([key, value]) => [key, JSON.stringify(value)]));
  const effects = Object.entries(options.effects ?? {}).map(([key, effect]) => [key, knownEffect(effect)] as const);
  const asks: AskedModel[] = [];
  const answers = createAnswers({
    state,
    effects: new Map(effects),
    fetchAttempts: options.http === 'real' ? 3 : 1,
    fetch: http.answer,
    models: (asked) => models(asked),
    exec: (call) => exec(call, options.exec, grants),
    kill: ({ targets, signal }) => options.kill?.(targets, signal) ?? refuse('kill', 'kill: (targets, signal) => 1'),
    fleet: (call) => fleetAnswer(call, options.fleet ?? {}),
    listeners: () => 0,
  });

  async function models(asked: AskedFetch): Promise<FetchAnswer> {
    const question = askedModel(asked);
    const { llm } = options;
    if (!question || llm === undefined || (Array.isArray(llm) && llm.length === 0))
      return refuse(question ? 'a model' : `${asked.method} ${asked.url}`, "llm: ['the answer']");
    const reply = Array.isArray(llm) ? llm[Math.min(asks.length, llm.length - 1)]! : await llm(question);
    asks.push(question);
    return modelAnswer(question, reply, Date.now());
  }

  function stateAfter(): Record<string, unknown> {
    const after = new Map<string, string | null>([...state, ...answers.state()]);
    return Object.fromEntries([...after].flatMap(([key, text]) => (text === null ? [] : [[key, JSON.parse(text)]])));
  }

  return {
    answer: answers.answer,
    did: () => ({
      sends: answers.sends().map(sentOf),
      events: answers.emits().map(({ topic, data }) => ({ topic, data: jsonOf(data) })),
      effects: Object.fromEntries([...answers.effects()].map(([key, effect]) => [key, effectOf(effect)])),
      stateAfter: stateAfter(),
      models: asks,
    }),
    peakBytes: answers.peakBytes,
  };
}

async function exec(
  { agent, command, args, input }: CallTo<'exec'>,
  run: RunOptions['exec'],
  grants: readonly CommandGrant[],
): Promise<ExecResult> {
  const fitting = grants.filter((grant) => takesArguments(grant, args)).map(grantedCommand);
  if (!fitting.some((grant) => grant === '*' || grant === command || grant.endsWith(`/${command}`))) {
    throw new Fault(notInNeeds({ agent, need: 'exec', asked: command }));
  }
  if (!run) return refuse(`exec(${[command, ...args].join(' ')})`, 'exec: (command, args) => …');
  const said = await run(command, args, input);
  const result = { code: 0, signal: null, stdout: '', stderr: '', truncated: false, tookMs: 0 };
  return typeof said === 'string' ? { ...result, stdout: said } : { ...result, ...said };
}

function fleetAnswer(call: FleetCall, fleet: NonNullable<RunOptions['fleet']>): unknown {
  const { report, health, backUp, proveBackup, parts, evidence, diagnosed } = fleet;
  if (call.ask === 'fleetHealth') return health ?? refuse('fleet.health', 'fleet: { health }');
  if (call.ask === 'backUp') return backUp?.(call.to) ?? refuse('fleet.backUp', 'fleet: { backUp: (to) => … }');
  if (call.ask === 'proveBackup')
    return proveBackup?.(call.file) ?? refuse('fleet.proveBackup', 'fleet: { proveBackup: (file) => … }');
  if (call.ask === 'fleetParts') return parts ?? refuse('fleet.parts', 'fleet: { parts }');
  if (call.ask === 'fleetEvidence')
    return evidence?.(call.incident) ?? refuse('fleet.evidence', 'fleet: { evidence: (incident) => … }');
  if (call.ask === 'fleetDiagnosed') return diagnosed?.(call.incident, JSON.parse(call.answer)) ?? { outcome: null };
  const { from, to } = call;
  const period = given({ from, to });
  return typeof report === 'function' ? report(period) : (report ?? refuse('fleet.report', 'fleet: { report }'));
}

function sentOf({ id, call }: SandboxSend): Sent {
  const { to, input, key, afterMs, priority, staleAfterMs } = call;
  return {
    id,
    agent: to,
    input: jsonOf(input),
    ...given({ key, afterMs, priority, staleAfterMs }),
  };
}

function knownEffect(effect: Effect): KnownEffect {
  return effect.is === 'done' ? { is: 'done', result: JSON.stringify(effect.result) ?? null } : effect;
}

function effectOf(effect: KnownEffect): Effect {
  if (effect.is !== 'done') return effect;
  return effect.result === null ? { is: 'done' } : { is: 'done', result: JSON.parse(effect.result) };
}

function jsonOf(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}

function refuse(what: string, option: string): never {
  const message = `the test does not say what ${what} answers`;
  throw new Fault({ code: 'NOT_IN_TEST', message, next: `give runPlugin ${option}` });
}
