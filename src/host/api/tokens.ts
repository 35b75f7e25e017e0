import { createHmac, randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { tokenFile } from '../../control/token.ts';
import { isSameSecret } from '../../kernel/sha256.ts';
import type { OperationRole } from '../../operations/operation.ts';

/** A token for one run of a host: 256 bits of chance. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

const ROLES: readonly OperationRole[] = ['operator', 'reader'];

/** The token of an operator cannot be derived from the token of a reader. */
function tokenOf(role: OperationRole, token: string): string {
  return role === 'operator' ? token : createHmac('sha256', token).update(role).digest('base64url');
}

/** Writes the tokens of operators and of readers, mode 0600, in place of whatever lies in {@link tokenFile}. */
export function writeTokens(socket: string, token: string): void {
  removeTokens(socket);
  for (const role of ROLES) writeFileSync(tokenFile(socket, role), tokenOf(role, token), { mode: 0o600, flag: 'wx' });
}

/** Removes what {@link writeTokens} wrote. */
export function removeTokens(socket: string): void {
  for (const role of ROLES) rmSync(tokenFile(socket, role), { force: true });
}

/** The role of a client whose request carries `said`; undefined for no token of this host. A wrong one takes as long as a right one. */
export function roleOf(said: unknown, token: string): OperationRole | undefined {
  const asked = typeof said === 'string' ? said : '';
  return ROLES.filter((role) => isSameSecret(asked, tokenOf(role, token)))[0];
}
