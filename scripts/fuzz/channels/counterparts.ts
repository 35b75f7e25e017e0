import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Channel, Counterpart } from './list.ts';
import { openMailServer, openNtfy, openSnac } from './programs.ts';
import { openStub } from './stubs.ts';

/** The other sides of all channels. */
export interface Counterparts {
  of(channel: Channel): Counterpart;
  close(): Promise<void>;
}

/** A real program where this machine has it in PATH, else a stub; `say` tells which. */
export async function openCounterparts(
  channels: readonly Channel[],
  folder: string,
  say: (line: string) => void,
): Promise<Counterparts> {
  mkdirSync(folder, { recursive: true });
  const open: Record<string, () => Promise<Counterpart>> = {
    'post-email': openMailServer,
    'post-file': async () => NO_OTHER_SIDE,
    'post-feed': async () => NO_OTHER_SIDE,
  };
  const ntfy = programOf('ntfy');
  const snac = programOf('snac');
  if (ntfy) open.ntfy = () => openNtfy(ntfy, join(folder, 'ntfy'));
  else say('a stub for ntfy: the program is not in PATH (Debian 13 has the package)');
  if (snac) open['post-mastodon'] = () => openSnac(snac, join(folder, 'snac'));
  else say('a stub for Mastodon: snac is not in PATH (package snac2 of Debian 13 and of bookworm-backports)');
  const all = new Map<string, Counterpart>();
  for (const { agent } of channels) all.set(agent, await (open[agent] ?? (() => openStub(agent)))());
  return {
    of: ({ agent }) => all.get(agent)!,
    async close() {
      for (const one of all.values()) await one.close?.();
    },
  };
}

const NO_OTHER_SIDE: Counterpart = { is: 'real: the file', texts: () => [], repeats: () => 0 };

function programOf(name: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(existsSync);
}
