import { writeFileSync } from 'node:fs';
import { hostFilePath } from '../../control/place.ts';
import type { House } from '../house.ts';
import { serveControl } from './control-server.ts';
import { createOps } from './ops.ts';
import { iso } from './views.ts';

/** Opens the control socket and writes down where it is; resolves with what closes it. */
export async function openDoor(house: House): Promise<() => Promise<void> | void> {
  const { facts, journal } = house;
  const control = await serveControl(facts.socket, createOps(house), journal.room('control'));
  const { pid, socket, guardian } = facts;
  const about = { pid, startedAt: iso(facts.startedAt), socket, ...(guardian === null ? {} : { guardian }) };
  writeFileSync(hostFilePath(facts.folder), JSON.stringify(about));
  return () => control.close();
}
