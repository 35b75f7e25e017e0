import type { Op, Ops } from '../control/protocol.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { OperationRole } from '../operations/operation.ts';
import type { OPERATIONS } from '../operations/table.ts';

/** Operations that change nothing: all that a page may ask for. */
export type ReadOp = { [O in Op]: (typeof OPERATIONS)[O]['kind'] extends 'read' ? O : never }[Op];

/** A page of the web process. A page reads no clock, opens no file and changes nothing. */
export interface Page {
  /** A pattern of hono's router: `/agents/:name`. */
  path: string;
  /** The role that a person needs to see the page. Default: readers and operators see it. */
  role?: OperationRole;
  /**
   * The whole HTML document, without its doctype. A `Fault` that it throws is shown by {@link PageKit.failed}: with status 404 where the code
   * ends in `_UNKNOWN`, 403 for `ROLE_LACKING`, else 503.
   */
  render(call: PageCall): Promise<Html>;
}

/** Text that is HTML already: what hono's JSX makes. */
export interface Html {
  toString(): string | Promise<string>;
}

/** A request for a page, with all that the page is made of. */
export interface PageCall {
  /** Answers as the host does, or as the store knows it while the host does not answer. Rejects with a `Fault`. */
  ask<O extends ReadOp>(op: O, args: Ops[O]['args']): Promise<Ops[O]['value']>;
  /** The path without the query, as it was asked for. */
  path: string;
  /** Parts of the path, decoded: `{ name: 'price-watch' }` of `/agents/:name`. */
  params: Readonly<Record<string, string>>;
  /** Every filter of a page is here. */
  query: URLSearchParams;
  /** Epoch ms, and the zone of the installation as an IANA name. */
  clock: { now: number; zone: string };
  viewer: Viewer;
  /** Pages that are kept up to date by a stream, and how many may be. */
  streams: { open: number; most: number };
  /** The address of a file of `src/web/assets/`, by its name; the address changes with the content. */
  asset(name: string): string;
  /** undefined: the host is at work. */
  down?: HostDown;
  /** The outcome of the act that led to this page. */
  flash?: Flash;
}

/**
 * The person who looks at the page. A form of an operator is `<form method="post" action="/act/pause">` with the fields
 * `csrf` (the member below), `back` (the path to go to afterwards) and the arguments of the operation by their names;
 * `input.url` and `input.count~number` make an object. `/logout` takes `csrf` alone.
 */
interface Viewer {
  role: OperationRole;
  csrf: string;
}

/** The host is there and gives no answer: a page of a host that has ended ends with it. */
export interface HostDown {
  /** The process id of the host. */
  pid: number;
  /** The time of its last message, ISO 8601. */
  lastSign: string;
}

/** The outcome of an act. */
export type Flash = { is: 'done'; text: string } | { is: 'failed'; fault: PlainFault };

/** All that `src/web/pages/` hands to the web process. */
export interface PageKit {
  pages: readonly Page[];
  /**
   * The document for people who have not signed in; it names `daruma open`. `fault`: a link that was used, or is too
   * old.
   */
  signIn(call: { asset(name: string): string; fault?: PlainFault }): Html;
  /** The document of a page that failed. */
  failed(call: Omit<PageCall, 'ask' | 'params' | 'query'>, fault: PlainFault): Html;
}
