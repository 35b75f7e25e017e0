/**
 * Daruma doing no-op jobs through a real host, cell and worker: `tsx daruma.ts <jobs> <in flight> <workers>`. A job
 * counts when its completion is on disk. Prints one line of JSON, with the processor time that each kind of thread had.
 */
import { noopHost } from '../noop-host.ts';
import { costsBetween, threadCosts } from '../thread-costs.ts';

const [jobs = 20_000, inFlight = 200, workers = 2] = process.argv.slice(2).map(Number);
const host = await noopHost('() => null', workers);
/** Each system has half as many jobs before, so that V8 has compiled what is hot, as in a process that lives for days. */
await host.drive(Math.ceil(jobs / 2), inFlight);
const begun = performance.now();
const before = process.cpuUsage();
const costsBefore = threadCosts();
await host.drive(jobs, inFlight);
const seconds = (performance.now() - begun) / 1000;
const cpu = process.cpuUsage(before);
const threads = costsBetween(costsBefore, threadCosts());
console.log(
  JSON.stringify({
    jobs,
    seconds,
    jobsPerSecond: jobs / seconds,
    hostCpuSeconds: (cpu.user + cpu.system) / 1e6,
    hostRssMb: process.memoryUsage.rss() / 2 ** 20,
    threads,
  }),
);
await host.stop();
