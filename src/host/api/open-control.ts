import { writeFileSync } from 'node:fs';
import { hostFilePath, hostFileText } from '../../control/place.ts';
import { processStart, thisProcess } from '../../control/process.ts';
import type { HostContext, HostFacts } from '../host-context.ts';
import { type ControlServer, serveControl } from './control-server.ts';
import { createOps } from './ops.ts';
import { iso } from './views.ts';

/** Opens the control socket and writes down where it is. */
export async function openControl(hostContext: HostContext): Promise<ControlServer> {
  const { facts, journal } = hostContext;
  const control = await serveControl(facts.socket, createOps(hostContext), {
    log: journal.room('control'),
    scrub: journal.scrub,
  });
  writeHostFile(facts);
  return control;
}

/** Writes `host.json`. The folder that it lies in is there, or the error of the system is thrown. */
export function writeHostFile(facts: HostFacts): void {
  const { folder, folderId, guardian, socket, logFolder } = facts;
  const text = hostFileText(
    { path: folder, id: folderId },
    {
      ...thisProcess(),
      startedAt: iso(facts.startedAt),
      socket,
      logs: logFolder,
      ...(guardian === null ? {} : { guardian: { pid: guardian, start: processStart(guardian) ?? '' } }),
    },
  );
  writeFileSync(hostFilePath(folder), text);
}
