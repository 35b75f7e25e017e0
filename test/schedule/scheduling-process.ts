/** A process that keeps schedules on a real store until it is killed, or told to stop. Tells its parent of each new job. */
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime as time } from '../../src/kernel/time.ts';
import { createSchedule } from '../../src/schedule/schedule.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { agentWith } from './world.ts';

const store = createSqliteStore({ time, log: silentLog }, { file: process.argv[2]! });
await store.start();
store.changes((change) => {
  if (change.is === 'queued') process.send!({ agent: change.agent });
});
const schedule = createSchedule({
  time,
  log: silentLog,
  slots: store,
  cancelJob: async (id, why) => void (await store.cancel(id, why)),
});
schedule.use([
  agentWith('queues', '* * * * * *', { overlap: 'queue', timezone: 'Europe/Berlin' }),
  agentWith('skips', '* * * * * *', { overlap: 'skip', timezone: 'Australia/Lord_Howe' }),
  agentWith('replaces', '* * * * * *', { overlap: 'replace', timezone: 'America/New_York' }),
]);
await schedule.start();
process.on('message', async () => {
  await schedule.stop();
  await store.stop();
  process.disconnect!();
});
