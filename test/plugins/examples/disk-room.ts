import { statfs } from 'node:fs/promises';
import { definePlugin, z } from 'daruma';

export default definePlugin({
  about: 'Fails when a disk is nearly full.',
  schedule: '*/10 * * * *',
  settings: z.strictObject({ path: z.string().default('/'), minFree: z.number().min(0).max(1).default(0.1) }),
  limits: { memory: '64MB', timeout: '10s', silence: '15s', attempts: 3 },
  needs: { read: ['/'] },
  async run({ settings }) {
    const { bavail, blocks } = await statfs(settings.path);
    if (bavail / blocks < settings.minFree) throw new Error(`${settings.path} is nearly full`);
    return { free: bavail / blocks };
  },
});
