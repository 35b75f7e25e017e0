import { configText } from './config-text.ts';
import { guideText } from './guide-text.ts';
import { readmeText } from './readme-text.ts';

/** What is known of the package that makes the installation. */
export interface PackageFacts {
  version: string;
  /** Exact versions that it is built with: `node`, `@types/node`. */
  pinned: Record<string, string>;
  /** The author's contract, as the package declares it. */
  contract: { name: string; text: string }[];
}

export interface NewFile {
  /** Relative to the installation. */
  path: string;
  text: string;
}

/** The files of an installation of one's own, beside the copies of what the package ships. */
export function installationFiles(name: string, facts: PackageFacts): NewFile[] {
  return [
    { path: 'config/daruma.yaml', text: configText },
    { path: 'package.json', text: json(packageOf(name, facts)) },
    { path: 'tsconfig.json', text: json(TYPES) },
    { path: '.gitignore', text: IGNORED },
    { path: 'README.md', text: readmeText(name) },
    { path: 'AGENTS.md', text: guideText(facts.contract) },
    { path: 'logs/.gitkeep', text: '' },
  ];
}

function packageOf(name: string, { version, pinned }: PackageFacts) {
  return {
    name,
    version: '1.0.0',
    private: true,
    type: 'module',
    engines: { node: '>=26' },
    scripts: {
      // `exec`: a signal to npm reaches the guardian; a shell in between would die of it alone, and leave the rest running.
      start: 'exec daruma start',
      stop: 'daruma stop',
      status: 'daruma status',
      check: 'daruma check',
      logs: 'daruma logs -f',
    },
    dependencies: { daruma: version },
    // `node` is Node itself as a package: npm start runs on it, whatever the machine has.
    devDependencies: pinned,
    // The only install scripts that may run: both fetch a binary that is part of the package's own release.
    allowScripts: { node: true, esbuild: true },
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

const IGNORED = `node_modules/
data/
logs/*
!logs/.gitkeep
reports/
backups/
posts/
.env
`;

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
