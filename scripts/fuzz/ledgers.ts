import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';

/** A file that only grows; `read` gives the lines that are new since the last time. */
export function tail(file: string): { read(): string[]; close(): void } {
  let fd: number | undefined;
  let at = 0;
  let rest = '';
  return {
    read() {
      try {
        fd ??= openSync(file, 'r');
      } catch {
        return [];
      }
      const bytes = Buffer.alloc(fstatSync(fd).size - at);
      if (bytes.length === 0) return [];
      at += readSync(fd, bytes, 0, bytes.length, at);
      const lines = (rest + bytes.toString('utf8')).split('\n');
      rest = lines.pop()!;
      return lines;
    },
    close: () => fd !== undefined && closeSync(fd),
  };
}

/** The jobs whose acceptance somebody outside was told: in memory, and on disk before the next is asked for. */
export interface AcceptedLedger {
  write(accepted: { key: string; agent: string; id: string }[]): void;
  all(): ReadonlyMap<string, { agent: string; id: string }>;
  /** Answers for one key that named different jobs. */
  contradictions: string[];
  close(): void;
}

export function openAcceptedLedger(file: string): AcceptedLedger {
  const fd = openSync(file, 'a', 0o600);
  const known = new Map<string, { agent: string; id: string }>();
  const contradictions: string[] = [];
  return {
    write(accepted) {
      if (accepted.length === 0) return;
      writeSync(fd, accepted.map(({ key, agent, id }) => `${key} ${agent} ${id}\n`).join(''));
      fsyncSync(fd);
      for (const { key, agent, id } of accepted) {
        const first = known.get(key);
        if (first && first.id !== id) contradictions.push(`${key} was ${first.id} first and ${id} then`);
        known.set(key, first ?? { agent, id });
      }
    },
    all: () => known,
    contradictions,
    close: () => closeSync(fd),
  };
}

/** A run as its plugin noted it before anything else. */
export interface Run {
  agent: string;
  job: string;
  attempt: number;
  at: number;
}

/** An effect as it was performed. */
export interface Effect {
  job: string;
  key: string;
  ifUnknown: string;
}

export function runOf(line: string): Run {
  const [agent, job, attempt, at] = line.split(' ');
  return { agent: agent!, job: job!, attempt: Number(attempt), at: Number(at) };
}

export function effectOf(line: string): Effect {
  const [job, key, ifUnknown] = line.split(' ');
  return { job: job!, key: key!, ifUnknown: ifUnknown! };
}
