import { basename } from 'node:path';
import { configText } from './config-text.ts';
import { markedGuide } from './guide-marks.ts';
import { guideText } from './guide-text.ts';
import { readmeText } from './texts.ts';

/** Facts about the package that makes the installation. */
export interface PackageFacts {
  version: string;
  /** Exact versions of what editors want beside it: `@types/node`. */
  pinned: Record<string, string>;
  /** The author's contract, as the package declares it. */
  contract: { name: string; text: string }[];
}

/** A file of a new installation. */
export interface NewFile {
  /** Relative to the installation. */
  path: string;
  text: string;
  /** Default: what the system gives new files. */
  mode?: number;
}

/** Where an installation keeps the package that it depends on: it goes where the folder goes, and into its backups. */
export const PACKAGE_FOLDER = 'vendor';

/** The files of an installation of one's own, beside the copies of what the package ships. `tarball`: its own package. */
export function installationFiles(name: string, facts: PackageFacts, tarball: string): NewFile[] {
  return [
    { path: 'config/daruma.yaml', text: configText },
    { path: 'package.json', text: json(packageOf(name, facts, tarball)) },
    { path: 'tsconfig.json', text: json(TYPES) },
    { path: '.gitignore', text: IGNORED },
    { path: '.npmrc', text: NPM },
    { path: 'README.md', text: readmeText(name) },
    { path: 'AGENTS.md', text: markedGuide(guideText(facts.contract)) },
    { path: 'logs/.gitkeep', text: '' },
    { path: '.env', text: SECRETS, mode: 0o600 },
  ];
}

function packageOf(name: string, { pinned }: PackageFacts, tarball: string) {
  return {
    name,
    version: '1.0.0',
    private: true,
    type: 'module',
    scripts: {
      // `exec`: a signal to npm reaches the guardian; a shell in between would die of it alone, and leave the rest running.
      start: 'exec daruma start',
      stop: 'daruma stop',
      status: 'daruma status',
      check: 'daruma check',
      logs: 'daruma logs -f',
    },
    // The copy that made this folder: docs/decisions/0015. The package brings Node along, whatever the machine has.
    dependencies: { daruma: `file:${tarball}` },
    devDependencies: pinned,
    // The only install script that may run: it puts the binary of the package's own release in its place.
    allowScripts: { esbuild: true },
  };
}

/** For editors: Daruma compiles plugins by itself and checks no types. */
const TYPES = {
  compilerOptions: {
    target: 'esnext',
    module: 'nodenext',
    lib: ['esnext'],
    types: ['node'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    verbatimModuleSyntax: true,
    erasableSyntaxOnly: true,
    allowImportingTsExtensions: true,
  },
  include: ['plugins'],
};

const NPM = `# npm warns of each package that wants a newer Node than the one npm itself runs on. Daruma brings its own: only errors are shown.
loglevel=error
`;

const IGNORED = `node_modules/
data/
logs/*
!logs/.gitkeep
reports/
backups/
posts/
.env
`;

const SECRETS = `# Secrets of agents, one NAME=value a line. Only the agents that declare a name in needs.secrets get its value, and the host checks
# deliveries with those of webhook.verify; it is nobody's environment. Read again every ten seconds: no restart. This file is in .gitignore; keep it chmod 600.
# "npx daruma secrets" lists what is needed, and what is missing.
`;

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** A name that npm takes, made of the folder's. */
export function packageName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '');
  // npm refuses a package that depends on one of its own name.
  return name === '' || name === 'daruma' ? 'my-agents' : name;
}
