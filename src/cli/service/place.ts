import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { Fault } from '../../kernel/fault.ts';
import { folderOfUnit, unitName, unitNameByPath } from './unit.ts';

/** The user of a service's processes. */
export interface UnitOwner {
  uid: number;
  gid: number;
  /** The number where the machine has no name for it. */
  name: string;
}

/** A unit file: that of the machine's systemd, or of the user's own. */
export interface UnitPlace {
  name: string;
  file: string;
  ofUser: boolean;
}

/**
 * Where the unit of an installation belongs; two folders of one name have two units. Throws `SERVICE_UNSUPPORTED` on a
 * system without systemd's kernel.
 */
export function unitPlace(folder: string, ofUser: boolean): UnitPlace {
  if (process.platform !== 'linux') {
    throw new Fault({
      code: 'SERVICE_UNSUPPORTED',
      message: 'services are for systemd, which is for Linux',
      next: 'daruma start keeps its host running without it',
    });
  }
  const own = join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'systemd/user');
  const at = (name: string) => ({ name, file: join(ofUser ? own : '/etc/systemd/system', name), ofUser });
  const [plain, byPath] = [at(unitName(folder)), at(unitNameByPath(folder))];
  return otherOf(plain.file, folder) !== undefined || existsSync(byPath.file) ? byPath : plain;
}

/** The other folder that a unit is for: a copy of a folder, or another one of its name, has no part in its service. */
function otherOf(file: string, folder: string): string | undefined {
  try {
    const written = folderOfUnit(readFileSync(file, 'utf8'));
    return written === folder ? undefined : written;
  } catch {
    return undefined;
  }
}

/**
 * The installed unit: the machine's before the user's own, unless `ofUser` names one of them. Throws
 * `SERVICE_MISSING`.
 */
export function installedUnit(folder: string, ofUser: boolean | undefined): UnitPlace {
  const places = [false, true].filter((one) => ofUser === undefined || ofUser === one);
  const found = places.map((one) => unitPlace(folder, one)).find(({ file }) => existsSync(file));
  if (found) return found;
  const { file } = unitPlace(folder, ofUser === true);
  const ofOthers = places.flatMap((one) => {
    const plain = join(dirname(unitPlace(folder, one).file), unitName(folder));
    const other = otherOf(plain, folder);
    return other === undefined ? [] : [`${plain} is that of ${other}`];
  });
  throw new Fault({
    code: 'SERVICE_MISSING',
    message: `no service is installed: ${ofOthers[0] ?? `there is no ${file}`}`,
    next: 'daruma service install, or with --user; --dry-run shows it',
  });
}

/** The owner of a folder, with the group that systemd gives to its processes. */
export function ownerOf(folder: string): UnitOwner {
  const { uid, gid } = statSync(folder);
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
    const entry = lines.map((line) => line.split(':')).find((fields) => fields[2] === String(uid));
    return entry ? { uid, gid: Number(entry[3]), name: entry[0]! } : { uid, gid, name: String(uid) };
  } catch {
    return { uid, gid, name: String(uid) };
  }
}
