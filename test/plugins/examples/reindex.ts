import { definePlugin, z } from 'daruma';

const saved = z.object({ data: z.object({ site: z.string(), page: z.string() }) });

export default definePlugin({
  about: 'Makes the index of a site anew, once its pages have stopped changing.',
  on: ['page.saved'],
  debounce: { period: '30s', timeout: '5m', key: 'data.site' },
  run({ job, log }) {
    const { site, page } = saved.parse(job.input).data;
    log.info('the index is made anew', { site, newest: page });
    return { site };
  },
});
