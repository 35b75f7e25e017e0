import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HEALTH_REASONS } from '../src/operations/health-reasons.ts';

const ROOT = join(import.meta.dirname, '..');

/** Words in upper case that are no codes of Daruma's: of Node, npm, SQLite, the kernel, the environment, HTTP parsers. */
const FOREIGN =
  /^(ERR_|EAI_|[A-Z]+_API_KEY|HPE_|CAP_|DARUMA_|NOTIFY_|WATCHDOG_|LC_|MODULE_NOT_FOUND|CREDENTIALS_DIRECTORY|SHOP_TOKEN|BACKUP_PASSPHRASE$|MAIL_TOKEN|GITHUB_WEBHOOK_SECRET|NODE_EXTRA_|SSL_CERT_|CURL_CA_|REQUESTS_CA_|GIT_SSL_|TAB_AS_INDENT|MULTIPLE_DOCS)/;

/** Every code of a fault that stands in src as a literal, with the first file that has it. */
export function faultCodes(): Map<string, string> {
  const codes = new Map<string, string>();
  for (const file of globSync('src/**/*.{ts,tsx}', { cwd: ROOT }).sort()) {
    const source = readFileSync(join(ROOT, file), 'utf8');
    const plain = source.matchAll(/(?:code: |code \?\? |\bfault\()'([A-Z][A-Z_]+)'/g);
    const wordy = source.matchAll(/'([A-Z]{2,}(?:_[A-Z0-9]+)+)'/g);
    const reasons = [...wordy].filter(([, code]) => !FOREIGN.test(code!) && !Object.hasOwn(HEALTH_REASONS, code!));
    for (const [, code] of [...plain, ...reasons])
      if (!FOREIGN.test(code!) && !codes.has(code!)) codes.set(code!, file);
  }
  return codes;
}
