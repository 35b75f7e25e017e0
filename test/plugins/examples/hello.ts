import { definePlugin } from 'daruma';

export default definePlugin({
  about: 'Says hello every morning.',
  schedule: '0 9 * * *',
  run: ({ log }) => log.info('hello'),
});
