/** Messages between the host and the builder (the process that compiles and inspects). Plain data. */
import type { PlainFault } from '../../kernel/fault.ts';
import type { FrameBounds } from '../../kernel/frames.ts';
import { MB } from '../../kernel/measures.ts';
import type { Issue } from '../files/issues.ts';
import type { Lookup } from '../versions/lookups.ts';
import type { Emits } from './emits.ts';

/** A file that went into a version. */
export interface CompiledInput {
  /** Relative to the installation where it is inside it, else absolute; forward slashes. */
  path: string;
  /** Hex SHA-256; null for a file that must not exist (a tsconfig.json that would change the meaning). */
  hash: string | null;
  size: number;
  mtimeMs: number;
}

/** The order to compile one plugin. */
export interface CompileRequest {
  ask: 'compile';
  /** The plugin's file, absolute. */
  entry: string;
  /** The installation, absolute. */
  folder: string;
  /** The file that `import … from 'daruma'` means, absolute. */
  daruma: string;
  /** Names the running Daruma; part of the version's id. */
  runtime: string;
  /** An existing folder for plugin.mjs, plugin.mjs.map and source/. */
  staging: string;
  /**
   * Paths outside of the installation of which an earlier compilation asked whether something is there. The builder
   * takes the answers before the compiler begins: see {@link PathQuestionsTerms.before}.
   */
  asked: string[];
  /** Folders outside of the installation to which links in `plugins/` may lead, absolute; default: none. */
  linkFolders?: readonly string[];
}

export type CompileAnswer =
  /**
   * `sourceBytes`: size of the author's files, which lie in source/ as they were compiled. `reads`: paths that the
   * version may read at run time, as seen from the bundle's folder, or absolute.
   */
  | {
      ok: true;
      id: string;
      bytes: number;
      sourceBytes: number;
      reads: string[];
      emits: Emits;
      inputs: CompiledInput[];
      lookups: Lookup[];
    }
  /** `inputs`, `lookups`: files and lookups until the failure. */
  | { ok: false; fault: PlainFault; inputs: CompiledInput[]; lookups: Lookup[] };

/** The order to load one version, and to say what it is. */
export interface InspectRequest {
  ask: 'inspect';
  /** The absolute path of plugin.mjs; the source map lies beside it. */
  bundle: string;
  folder: string;
  /** The plugin's file, as faults name it. */
  file: string;
  /** Paths that the plugin may read besides the bundle, absolute. */
  reads: string[];
  /** JSON texts of settings to be tried against the plugin's schema. */
  settings: string[];
  /** The longest that loading may take, in ms. */
  withinMs: number;
}

/** The plugin's own description, as far as it survives JSON. */
export interface RawManifest {
  /** The definition without `run`, `settings` and the two schemas of inputs. */
  definition: unknown;
  /** JSON Schema draft 7 of the settings that may be written; null for a plugin without settings. */
  settingsSchema: unknown;
  /**
   * JSON Schema draft 7 of the input that jobs may be given, and whether no input is allowed; undefined for a plugin
   * without `input` and `webhook.input`.
   */
  input?: { schema: unknown; takesNothing: boolean };
}

/** The description of a plugin, or the fault that it has when it is loaded. */
export type InspectAnswer =
  /** `issues`: a list for each of the tried settings. */
  { ok: true; manifest: RawManifest; issues: Issue[][] } | { ok: false; fault: PlainFault };

/** A message to the builder; `id` comes back with its answer. */
export type ToBuilder = (CompileRequest | InspectRequest | { ask: 'end' }) & { id: number };
/** A message of the builder. `failed`: the builder itself is at fault, and not the plugin. */
export type FromBuilder =
  | { is: 'answer'; id: number; answer: CompileAnswer | InspectAnswer }
  | { is: 'failed'; id: number; fault: PlainFault };

/** The bounds of frames between host and builder: sources, lookups and manifests of one plugin. */
export const BUILDER_BOUNDS: FrameBounds = { bytes: 64 * MB, depth: 1_000, values: 4_000_000 };
/** The bounds of frames from a load process. */
export const LOAD_BOUNDS: FrameBounds = { bytes: 8 * MB, depth: 200, values: 200_000 };
/** The heap in which a plugin is loaded to be inspected. */
export const LOAD_HEAP_MB = 128;
/** The memory of its whole process, with everything that no heap counts. */
export const LOAD_RSS_MB = 512;

/** The first argument of a load process that is started before there is an order for it; the builder's pid follows. */
export const SPARE = 'spare';
/** The first argument of a load process that is started for one plugin. The builder's pid follows, then what the plugin may read. */
export const ALONE = 'alone';

/** The builder's one order to a load process. `key` stands in the answer: other bytes on the pipe are the plugin's. */
export interface LoadOrder extends Pick<InspectRequest, 'bundle' | 'settings'> {
  key: string;
  /** The bundle's code: the process may not read its file. */
  code: string;
}

/** The answer of a load process about a plugin. */
export type FromInside =
  | { ok: true; manifest: RawManifest; issues: Issue[][] }
  | {
      ok: false;
      /** `guarded`: it imports a module that a worker does not get; `message` is its name. */
      because: (typeof REFUSALS)[number];
      name: string;
      message: string;
      stack: string;
    };

/** The reasons for which a load process takes no plugin. */
export const REFUSALS = [
  'threw',
  'guarded',
  'not-a-plugin',
  'bad-settings',
  'bad-input',
  'bad-body',
  'two-inputs',
  'bad-run',
] as const;

/**
 * The finding of a load process: what the plugin is, what it threw where nothing catches, or why no plugin is loaded
 * here.
 */
export type LoadFinding =
  | { is: 'found'; found: FromInside }
  | { is: 'error'; message: string; stack: string }
  | { is: 'unfenced'; message: string };
