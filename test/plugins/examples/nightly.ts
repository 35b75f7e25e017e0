import { definePlugin } from 'daruma';

export default definePlugin({
  about: 'Runs each night, and says so.',
  schedule: '30 2 * * *', // or in an agent file:  schedule: "30 2 * * *"
  timezone: 'Europe/Berlin',
  catchUp: 'once', // skip | once | all
  overlap: 'skip', // skip | queue | replace
  maxQueued: 100, // with overlap: queue
  jitter: '2m',
  run: ({ job }) => ({ slot: job.slot }),
});
