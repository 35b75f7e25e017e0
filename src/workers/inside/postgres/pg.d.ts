/** The package ships no types; these are the parts that are used. */
declare module 'pg/lib/client' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';

  export default class Client extends EventEmitter {
    constructor(config: Record<string, unknown>);
    readonly connection: EventEmitter & { stream: Socket };
    readonly processID: number | null;
    readonly secretKey: number | null;
    connect(): Promise<unknown>;
    query(config: unknown, values?: unknown, callback?: unknown): unknown;
    end(): Promise<void>;
    /** `I`: in no transaction; `T`, `E`: in one; null before the first answer. */
    getTransactionStatus(): string | null;
  }
}

declare module 'pg/lib/connection' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';

  export default class Connection extends EventEmitter {
    constructor(config: Record<string, unknown>);
    readonly stream: Socket;
    connect(port: number, host: string): void;
    cancel(processId: number, secretKey: number): void;
  }
}
