import { definePlugin } from 'daruma';
import { passphraseOf } from './lib/encrypted.ts';
import { BACKUP_LIMITS, BACKUP_NEEDS, backupSettings, makeBackup } from './lib/make-backup.ts';

export default definePlugin({
  about:
    'Makes the archives of `backup` encrypted with a passphrase, in the form of age, and proves each in that form.',
  settings: backupSettings(),
  limits: BACKUP_LIMITS,
  needs: { ...BACKUP_NEEDS, secrets: ['BACKUP_PASSPHRASE'] },
  run: (context) => makeBackup(context, passphraseOf(context.secrets)),
});
