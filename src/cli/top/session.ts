import type { ControlClient } from '../../control/client.ts';
import { clockTime } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/fault.ts';
import { isHostAway, reachHost } from '../connection.ts';
import type { Stage } from '../ports.ts';
import { agentLines } from '../text/agent.ts';
import type { Look } from '../text/status.ts';
import { chosenAgent, EMPTY_MODEL, pressed, type TopKey, type TopModel, type TopOrder, withLogLine } from './model.ts';

/** The work behind the screen: keeps the model up to date, over restarts of the host. */
interface TopSession {
  model(): TopModel;
  /** Asks the host again. Never rejects for a host that is not there: the model says so. */
  refresh(): Promise<void>;
  /** False: the key asks to leave. */
  press(key: TopKey): Promise<boolean>;
  close(): void;
}

const NEWEST_JOBS = 5;

/** `changed`: the model is another one now. */
export function createTopSession(stage: Stage, look: () => Look, changed: () => void): TopSession {
  let model: TopModel = EMPTY_MODEL;
  let client: ControlClient | undefined;
  let followed: { agent: string; end(): void } | undefined;
  let awaySince: string | undefined;
  let isClosed = false;

  function set(next: TopModel) {
    model = next;
    changed();
  }

  async function connected(): Promise<ControlClient> {
    client ??= await reachHost(stage.folder, stage.time);
    return client;
  }

  function lost({ plain }: Fault) {
    client?.close();
    client = undefined;
    followed?.end();
    followed = undefined;
    awaySince ??= clockTime(stage.time.now(), look().clock);
    set({ ...model, away: `${plain.message}, waiting for it since ${awaySince}` });
  }

  /** Rejects with what is no fault of the host's absence. */
  async function withHost(call: (client: ControlClient) => Promise<void>) {
    try {
      await call(await connected());
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      if (isHostAway(thrown)) lost(thrown);
      else set({ ...model, said: `✗ ${thrown.plain.message}` });
    }
  }

  const refresh = () =>
    withHost(async (host) => {
      const status = await host.ask('status', {});
      awaySince = undefined;
      set({ ...model, status, away: undefined });
      await followChosen();
    });

  /** A single agent is followed, on a connection of its own: a stream ends with its connection. */
  async function followChosen() {
    const agent = chosenAgent(model)?.name;
    if (agent === followed?.agent || isClosed) return;
    followed?.end();
    followed = undefined;
    if (agent === undefined) return;
    const own = await reachHost(stage.folder, stage.time);
    if (isClosed) return own.close();
    const mine = { agent, end: () => own.close() };
    followed = mine;
    set({ ...model, logs: [] });
    own
      .ask('follow', { agent, level: 'debug' }, (line) => {
        if (followed === mine) set(withLogLine(model, line));
      })
      .catch(() => {
        if (followed === mine) followed = undefined;
      });
    const before = await own.ask('logs', { agent, limit: 50 });
    const known = new Set(model.logs.map((line) => JSON.stringify(line)));
    const older = before.filter((line) => !known.has(JSON.stringify(line)));
    if (followed === mine) set({ ...model, logs: [...older, ...model.logs] });
  }

  const acts: Record<Exclude<TopOrder, 'quit'>, (host: ControlClient, agent: string) => Promise<string>> = {
    async run(host, agent) {
      const { id } = await host.ask('run', { agent });
      return `▸ ${id} of ${agent} is in the queue`;
    },
    async pause(host, agent) {
      const isHeld = ['paused', 'quarantined'].includes(chosenAgent(model)?.state ?? '');
      if (isHeld) await host.ask('resume', { agent });
      else await host.ask('pause', { agent });
      return isHeld ? `✓ ${agent} runs again` : `‖ ${agent} is paused`;
    },
    async restart(host, agent) {
      const { jobs } = await host.ask('restart', { agent });
      return `⟳ ${agent} gets a clean worker${jobs.length > 0 ? ` after ${jobs.join(', ')}` : ''}`;
    },
    async ack(host, agent) {
      const [incident] = await host.ask('incidents', { agent, open: true, limit: 1 });
      if (!incident) return `${agent} has no open incident`;
      await host.ask('ack', { id: incident.id });
      return `✓ ${incident.id} is closed`;
    },
    async details(host, agent) {
      const [config, jobs] = await Promise.all([
        host.ask('configShow', { agent }).catch(() => ({ values: [] })),
        host.ask('jobs', { agent, limit: NEWEST_JOBS }),
      ]);
      const view = chosenAgent(model);
      if (view?.name === agent) set({ ...model, details: agentLines(view, { values: config.values, jobs }, look()) });
      return '';
    },
  };

  return {
    model: () => model,
    refresh,
    async press(key) {
      const { model: next, order } = pressed(model, key);
      set(next);
      if (order === 'quit') return false;
      const agent = chosenAgent(model)?.name;
      if (order !== undefined && agent !== undefined) {
        await withHost(async (host) => {
          const said = await acts[order](host, agent);
          set({ ...model, said });
          if (order !== 'details') set({ ...model, status: await host.ask('status', {}) });
        });
      } else if (agent !== followed?.agent && model.away === undefined) await withHost(followChosen);
      return true;
    },
    close() {
      isClosed = true;
      followed?.end();
      client?.close();
    },
  };
}
