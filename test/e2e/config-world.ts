import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ConfigView, IncidentView, JobView, StatusView } from '../../src/control/protocol.ts';
import { type Installation, installation } from './installation.ts';

/** Generous: the machine may be busy. */
const WITHIN_MS = 60_000;
export const FILE = 'config/daruma.yaml';
export const GOOD = 'data/config/last-good.yaml';

/** An installation whose settings are changed. */
export class World {
  readonly place: Installation;

  constructor(files: Record<string, string>) {
    this.place = installation(files);
  }

  async status(): Promise<StatusView> {
    return (await this.place.daruma('status', '--json')).json;
  }
  async config(): Promise<ConfigView | null> {
    return (await this.status()).host?.config ?? null;
  }
  async jobs(agent: string): Promise<JobView[]> {
    return (await this.place.daruma('jobs', agent, '--json', '--limit', '100')).json;
  }
  async incidents(): Promise<IncidentView[]> {
    const { json } = await this.place.daruma('incidents', '--json');
    return (json as IncidentView[]).filter(({ verdict }) => verdict === 'bad-config');
  }
  async ran(agent: string, times: number): Promise<JobView[]> {
    const jobs: JobView[] = [];
    for (let i = 0; i < times; i++) jobs.push((await this.place.daruma('run', agent, '--wait', '--json')).json);
    return jobs;
  }
  async queued(agent: string): Promise<string> {
    return (await this.place.daruma('run', agent, '--json')).json.id;
  }
  until<T>(what: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
    return this.place.until(what, holds, WITHIN_MS);
  }
  /** Until a host answers, whoever started it. */
  untilUp(holds: (status: StatusView) => boolean = () => true): Promise<StatusView> {
    return this.until(
      () => this.status().catch(() => ({ host: null }) as StatusView),
      (status) => status?.host != null && holds(status),
    );
  }
  events(kind: string) {
    return this.place
      .daruma('logs', '--json', '-n', '1000')
      .then(({ json }) => (json as { event?: string; msg: string }[]).filter(({ event }) => event === kind));
  }
  /** The host has worked for so long that its settings are kept. */
  untilKept(text: string) {
    return this.until(
      async () => (existsSync(join(this.place.folder, GOOD)) ? this.place.read(GOOD) : undefined),
      (kept) => kept === text,
    );
  }
  async restart() {
    expect(await this.place.stop()).toBe(0);
    await this.place.start();
  }
}
