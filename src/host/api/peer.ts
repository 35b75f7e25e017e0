import { readFileSync } from 'node:fs';

/** The name of a user of this machine, or `uid 1000` where it has none. */
export function userName(uid: number): string {
  return nameOf(uid) ?? `uid ${uid}`;
}

function nameOf(uid: number): string | undefined {
  try {
    const rows = readFileSync('/etc/passwd', 'utf8').split('\n');
    return rows.map((row) => row.split(':')).find((fields) => fields[2] === `${uid}`)?.[0];
  } catch {
    return undefined;
  }
}
