import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';

/** Names a file of certificate authorities that Node trusts beside its own: those of a company, whose servers no other authority knows. */
const OF_NODE = 'NODE_EXTRA_CA_CERTS';
/** The same for programs that are not Node's: OpenSSL and Go, curl, Python, git. Each names a file or a folder. */
const OF_COMMANDS = ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'CURL_CA_BUNDLE', 'REQUESTS_CA_BUNDLE', 'GIT_SSL_CAINFO'];

/** The authorities of an environment for a process of Node's that runs in another folder: the real path of the file, or nothing. */
export function authoritiesOfNode(env: NodeJS.ProcessEnv): Record<string, string> {
  return pathsOf([OF_NODE], env);
}

/** The authorities of an environment for a command: the variables with the real paths that they name, which the command has to read. */
export function authoritiesOfCommands(env: NodeJS.ProcessEnv): Record<string, string> {
  return pathsOf([OF_NODE, ...OF_COMMANDS], env);
}

/**
 * Reads the authorities of this process now. Node reads them at the first connection, when a fence has closed their file. A file
 * that is no certificate adds nothing; Node warns of it on stderr.
 */
export function readAuthorities(env: NodeJS.ProcessEnv): void {
  if (env[OF_NODE]) process.getBuiltinModule('node:tls').getCACertificates('extra');
}

function pathsOf(names: readonly string[], env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, realOf(resolve(env[name]))]] : [])));
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // The process that reads the file says that it is not there.
    return path;
  }
}
