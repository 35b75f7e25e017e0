/** Places that an attack aims at. */
export interface Targets {
  /** The installation. */
  folder: string;
  /** A folder beside it, with files of others. */
  outside: string;
  hostPid: number;
  socket: string;
  /** A granted port of this machine, and a port that nobody is granted. */
  port: number;
  otherPort: number;
}

/** A plugin that tries things in `run`, and the inputs of its jobs. */
export interface RunAttack {
  name: string;
  /** In words, for the name of the test. */
  what: string;
  /** Options of the plugin as source text. */
  options?: (at: Targets) => string;
  /** Calls `tried(name, attempt)`: an attempt that returns got something. `at` are the targets, `how` the input of the job. */
  body: string;
  /** One job after the other; default one, with no input. */
  jobs?: string[];
  imports?: string;
}

/** The limits of an attacker: it has 1.5 s, and one attempt. */
const LIMITS = "limits: { attempts: 1, timeout: '1500ms', grace: '100ms', silence: '20s', memory: '96MB' },";

export function sourceOfRun({ what, options, body, imports = '' }: RunAttack, at: Targets): string {
  return `${imports}
import { definePlugin, z } from 'daruma';
void z;
export default definePlugin({
  about: ${JSON.stringify(what)}, ${LIMITS} ${options?.(at) ?? ''}
  async run(context: any): Promise<unknown> {
    const { at, how } = context.job.input as any;
    const { job, log, secrets, state, send, emit, beat, folder } = context;
    void [at, how, job, log, secrets, state, send, emit, beat, folder];
    const got: Record<string, string> = {};
    const refused: Record<string, string> = {};
    const show = (value: any) => (ArrayBuffer.isView(value) ? Buffer.from(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength).toString('latin1') : typeof value === 'object' ? JSON.stringify(value) : String(value));
    const later = (ms: number) => new Promise((_, fail) => setTimeout(fail, ms, new Error('nothing came')).unref());
    const tried = async (name: string, attempt: () => unknown) => {
      try { got[name] = String(show(await Promise.race([attempt(), later(700)]))).slice(0, 2_000); }
      catch (error: any) { refused[name] = String(error?.code ?? error?.message).slice(0, 60); }
    };
    const builtin = (name: string): any => import(String('node:' + name));
    void [tried, builtin, show];
    ${body}
    return { got, refused };
  },
});
`;
}
