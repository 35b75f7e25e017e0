import { existsSync, rmSync } from 'node:fs';
import { Fault } from '../../kernel/fault.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { installedUnit } from '../service/place.ts';
import { systemctl, systemdRuns } from '../service/systemctl.ts';

const ASKED = [
  'ActiveState',
  'SubState',
  'Result',
  'MainPID',
  'NRestarts',
  'ActiveEnterTimestamp',
  'UnitFileState',
  'StatusText',
  'ExecMainStatus',
];

/** Shows what systemd says of the installation's service. Exit code 3 when it is not at work. */
export async function serviceStatusCommand(
  stage: Stage,
  _words: Words,
  options: { user?: boolean },
): Promise<CommandResult> {
  const place = installedUnit(stage.folder, options.user);
  const own = place.ofUser ? '--user ' : '';
  if (!systemdRuns()) {
    const lines = [`${place.file} is there; systemd does not run here, so nothing runs it`];
    return { json: { ...place, systemd: false }, lines, code: 3 };
  }
  const { said } = await systemctl(place, 'show', place.name, `--property=${ASKED.join(',')}`);
  const pairs = said.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  const at = Object.fromEntries(pairs.filter(([name]) => name)) as Record<string, string>;
  const isUp = at.ActiveState === 'active';
  const facts = {
    state: at.ActiveState ?? 'unknown',
    sub: at.SubState ?? '',
    result: at.Result ?? '',
    pid: Number(at.MainPID) || null,
    restarts: Number(at.NRestarts) || 0,
    since: at.ActiveEnterTimestamp || null,
    enabled: at.UnitFileState === 'enabled',
    /** The last lines of the host. */
    says: at.StatusText || null,
    /** Of the last host. */
    exitCode: isUp ? null : Number(at.ExecMainStatus) || 0,
  };
  const sign = isUp ? stage.paint('green', '✓') : stage.paint('red', '✗');
  const lines = [
    `${sign} ${place.name} ${facts.state} (${facts.sub}), result ${facts.result}, ${facts.restarts} restarts by systemd`,
    `  pid ${facts.pid ?? '–'}   since ${facts.since ?? '–'}   ${facts.enabled ? 'starts with the machine' : 'not enabled'}`,
    ...(facts.says ? [`  it ${isUp ? 'says' : `ended with code ${facts.exitCode}, saying`}: ${facts.says}`] : []),
    `  ${place.file}`,
    `  → journalctl ${own}-u ${place.name} -n 50`,
  ];
  return { json: { ...place, systemd: true, ...facts }, lines, code: isUp ? 0 : 3 };
}

/** Stops the installation's service and takes its unit away; the installation itself is left untouched. */
export async function serviceUninstallCommand(
  stage: Stage,
  _words: Words,
  options: { user?: boolean },
): Promise<CommandResult> {
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
