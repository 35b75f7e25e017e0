import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConfigFiles, openConfigFiles } from '../../src/host/config/files.ts';
import type { ConfigInUse } from '../../src/host/config/in-use.ts';
import { readConfig } from '../../src/host/config/read.ts';
import { PROBATION_MS } from '../../src/host/config/selection.ts';
import { type ConfigWatch, createConfigWatch } from '../../src/host/config/watch.ts';
import type { Job } from '../../src/jobs/model.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { Clock } from '../clock.ts';

const TEXT = 'cells: { size: 10 }\n';

describe('the probation of the host’s settings', () => {
  let folder: string;
  let clock: Clock;
  let files: ConfigFiles;
  let config: ConfigInUse;
  let watch: ConfigWatch;
  let records: string[];
  let dead: Pick<Job, 'id' | 'startedAt' | 'error'>[];
  let isDown: boolean;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daruma-config-'));
    mkdirSync(join(folder, 'config'));
    clock = new Clock();
    files = openConfigFiles(folder);
    files.keepGood('');
    writeFileSync(join(folder, 'config/daruma.yaml'), TEXT);
    records = [];
    dead = [];
    isDown = false;
  });
  afterEach(async () => {
    await watch.stop();
    expect(clock.timers()).toBe(0);
    rmSync(folder, { recursive: true });
  });

  /** A host begins. */
  async function begin() {
    config = readConfig(files, { unattended: true, now: clock.now() });
    config.begun({ isFirstStart: false, now: clock.now() });
    watch = createConfigWatch({
      time: clock,
      log: silentLog,
      config,
      store: {
        async list() {
          if (isDown) throw new Error('the store is down');
          return dead as Job[];
        },
      },
      jobs: {
        async redrive(ids) {
          records.push(`again: ${ids.join(' ')}`);
          return [...ids];
        },
      },
      again: (why) => records.push(`the host starts again: ${why}`),
      records: {
        begun: () => records.push('begun'),
        takenBack: (bad, again) => records.push(`taken back, ${again} again: ${bad.why}`),
        approved: () => records.push('approved'),
      },
    });
    await watch.start();
    await clock.pass(0);
  }
  /** The host is gone without a word. */
  const lose = () => watch.stop();

  it('ends after ten minutes: the text is the one to go back to', async () => {
    await begin();
    config.worked();
    expect(watch.until()).toBe(clock.now() + PROBATION_MS);
    await clock.pass(PROBATION_MS - 1_000);
    expect([records, files.lastGood()]).toEqual([['begun'], '']);
    await clock.pass(11_000);
    expect([records, files.lastGood()]).toEqual([['begun', 'approved'], TEXT]);
    expect(watch.until()).toBeNull();
  });

  it('does not end before the host that is at work has worked for a while', async () => {
    await begin();
    await clock.pass(2 * PROBATION_MS);
    expect(records).toEqual(['begun']);
    config.worked();
    await clock.pass(11_000);
    expect(records).toEqual(['begun', 'approved']);
  });

  it('goes on with the next host after one was lost, and is begun once', async () => {
    await begin();
    await clock.pass(60_000);
    await lose();
    await begin();
    config.worked();
    expect(watch.until()).toBe(clock.now() - 60_000 + PROBATION_MS);
    await clock.pass(PROBATION_MS);
    expect(records).toEqual(['begun', 'approved']);
  });

  it('ends badly when two hosts were lost; what died with them is run again, and that is recorded once', async () => {
    await begin();
    const error = { code: 'HOST_LOST', message: 'the host ended' };
    dead = [
      { id: 'before', startedAt: clock.now() - 1, error },
      { id: 'of-the-host', startedAt: clock.now() + 1, error },
      { id: 'its-own', startedAt: clock.now() + 1, error: { code: 'ERROR', message: 'no' } },
    ];
    await clock.pass(60_000);
    await lose();
    await begin();
    await clock.pass(60_000);
    await lose();
    isDown = true;
    await begin();
    expect(config.settings.cells.size).toBe(50);
    // A store that is full for a while delays the record.
    expect(records).toEqual(['begun']);
    isDown = false;
    await clock.pass(11_000);
    const told = 'taken back, 1 again: the host was lost twice in its first ten minutes with them';
    expect(records).toEqual(['begun', 'again: of-the-host', told]);
    await clock.pass(60_000);
    await lose();
    await begin();
    expect(records).toHaveLength(3);
  });

  it('is ended by hand: the host starts again where rooms have to be built anew', async () => {
    await begin();
    expect(watch.rollBack()).toBe(true);
    expect(watch.rollBack()).toBe(false);
    await watch.stop();
    await begin();
    expect(records).toEqual([
      'begun',
      'the host starts again: the settings are taken back by hand',
      'taken back, 0 again: was taken back by hand',
    ]);
  });

  it('is ended by hand at once where the settings are live', async () => {
    writeFileSync(join(folder, 'config/daruma.yaml'), 'logs: { level: error }\n');
    await begin();
    expect(watch.rollBack()).toBe(true);
    expect(config.settings.logs.level).toBe('info');
    await clock.pass(0);
    expect(records).toEqual(['begun', 'taken back, 0 again: was taken back by hand']);
  });
});
