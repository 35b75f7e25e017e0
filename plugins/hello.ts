import { definePlugin, z } from 'daruma';

export default definePlugin({
  about: 'Says what hello is for, in one sentence.',
  schedule: '*/5 * * * *',
  settings: z.strictObject({
    greeting: z.string().default('hello').describe('What it says. Set it in agents/<name>.yaml.'),
  }),
  limits: { memory: '64MB', timeout: '30s', attempts: 3 },
  // Every host, secret and file that it uses has to be named here: { net: ['api.example.com'] }
  needs: {},
  async run({ settings, job, log, beat }) {
    beat('started');
    log.info(settings.greeting, { attempt: job.attempt, slot: job.slot });
    // The value that is returned is the result; a throw is a failed attempt, which is tried again.
    return { said: settings.greeting };
  },
});
