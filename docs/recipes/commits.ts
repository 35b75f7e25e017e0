import { definePlugin, z } from 'daruma';

export default definePlugin({
  about: 'Tells every morning what was committed to the site.',
  schedule: '0 8 * * *',
  settings: z.strictObject({ since: z.string().default('1 day ago') }),
  limits: { memory: '64MB', timeout: '1m' },
  needs: { exec: ['git'], read: ['site'] },
  async run({ settings, exec, summary }) {
    const args = ['log', `--since=${settings.since}`, '--format=- %s'];
    const { stdout } = await exec('git', args, { cwd: 'site', timeout: '30s' });
    summary(stdout || 'Nothing new.');
    return { commits: stdout.split('\n').filter(Boolean).length };
  },
});
