/**
 * Daruma doing no-op jobs through a real host, cell and worker: `tsx daruma.ts <jobs> <in flight> <workers>`. A job
 * counts when its completion is on disk. Prints one line of JSON.
 */
import { noopHost } from '../noop-host.ts';

const [jobs = 20_000, inFlight = 200, workers = 2] = process.argv.slice(2).map(Number);
const host = await noopHost('() => null', workers);
/** Enough to compile what is hot and to start the workers. */
await host.drive(Math.min(jobs, 2_000), inFlight);
const begun = performance.now();
const before = process.cpuUsage();
await host.drive(jobs, inFlight);
const seconds = (performance.now() - begun) / 1000;
const cpu = process.cpuUsage(before);
console.log(
  JSON.stringify({
    jobs,
    seconds,
    jobsPerSecond: jobs / seconds,
    hostCpuSeconds: (cpu.user + cpu.system) / 1e6,
    hostRssMb: process.memoryUsage.rss() / 2 ** 20,
  }),
);
await host.stop();
