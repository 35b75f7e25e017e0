import { existsSync, rmSync } from 'node:fs';
import { Fault } from '../../kernel/fault.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { installedUnit } from '../service/place.ts';
import { systemctl, systemdRuns } from '../service/systemctl.ts';

/** Stops the installation's service and takes its unit away; the installation itself is left as it is. */
export async function run(stage: Stage, _args: unknown[], options: { user?: boolean }): Promise<CommandResult> {
  const place = installedUnit(stage.folder, options.user);
  const runs = systemdRuns();
  // The running jobs are finished first; a unit that is gone could not be stopped any more.
  if (runs) await systemctl(place, 'disable', '--now', place.name);
  try {
    rmSync(place.file);
  } catch (cause) {
    const next = 'sudo daruma service uninstall';
    const message = `${place.file} cannot be removed: ${(cause as Error).message}`;
    throw new Fault({ code: 'SERVICE_FORBIDDEN', message, next }, { cause });
  }
  if (runs) {
    await systemctl(place, 'daemon-reload');
    // A unit that had failed would stay on systemd's list of failures, though it is no more.
    await systemctl(place, 'reset-failed', place.name);
  }
  const changes = `${place.file}.d`;
  const left = existsSync(changes) ? changes : null;
  const lines = [
    `${stage.paint('green', '✓')} ${runs ? `${place.name} stopped; ` : ''}${place.file} removed`,
    ...(left ? [`  left, because it is yours: ${left}`] : []),
    '  the installation is as it was; daruma start runs it in a terminal',
  ];
  return { json: { ...place, stopped: runs, left }, lines };
}
