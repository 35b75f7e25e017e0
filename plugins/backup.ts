import { definePlugin } from 'daruma';
import { BACKUP_LIMITS, BACKUP_NEEDS, backupSettings, makeBackup } from './lib/make-backup.ts';

export default definePlugin({
  about: 'Backs up the store and the files of the installation to backups/, and proves that each can be restored.',
  schedule: '0 2 * * *',
  firstRun: true,
  settings: backupSettings(),
  limits: BACKUP_LIMITS,
  needs: BACKUP_NEEDS,
  run: (context) => makeBackup(context, null),
});
