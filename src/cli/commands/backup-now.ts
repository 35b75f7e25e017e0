import { Fault } from '../../kernel/fault.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { run as runJob } from './run.ts';

/** Gives the agent of the backup plugin a job, and waits for its end. */
export async function run(stage: Stage): Promise<CommandResult> {
  const { agents } = await stage.ask('status', {});
  const agent = agents.find(({ name }) => name === 'backup') ?? agents.find(({ plugin }) => plugin === 'backup');
  if (!agent) {
    throw new Fault({
      code: 'NO_BACKUP_AGENT',
      message: 'no agent here makes backups: plugins/backup.ts is missing, or every agent of it is off',
      next: 'take plugins/backup.ts and plugins/lib/ from the package: node_modules/daruma/plugins',
    });
  }
  return await runJob(stage, [agent.name], { wait: true });
}
