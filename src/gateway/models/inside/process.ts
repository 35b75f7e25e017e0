/**
 * The model gateway: everything that speaks with providers of models. A child of the host, which it knows by one pipe only;
 * it alone holds the keys of providers, in memory. The process shuts itself in before it listens, reads no file but its own code, and
 * ends with its host.
 */
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { readAuthorities } from '../../../fence/authorities.ts';
import { collectHeap } from '../../../fence/collect-heap.ts';
import { openTrim } from '../../../fence/kernel.ts';
import { putUpFence } from '../../../fence/put-up.ts';
import { endOnUncaught, endProcess } from '../../../kernel/end-process.ts';
import { Fault, toPlainFault } from '../../../kernel/fault.ts';
import { packageFile } from '../../../kernel/paths.ts';
import { OOM_SCORES, raiseOomScore } from '../../../kernel/proc.ts';
import { machineTime } from '../../../kernel/time.ts';
import { GATEWAY_CHANNEL_FD, type GatewayTerms, type ToGateway } from '../wire.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { openGatewayLink } from './host-link.ts';

let gateway: Gateway | undefined;

const link = openGatewayLink(new Socket({ fd: GATEWAY_CHANNEL_FD, readable: true, writable: true }), {
  receive(message) {
    if (message.do !== 'begin') gateway?.receive(message);
    else if (!gateway) begin(message).catch(failed);
  },
  gone(why) {
    if (why) process.stderr.write(`${why.message}\n`);
    endProcess();
  },
});
endOnUncaught();
raiseOomScore(OOM_SCORES.models);

async function begin(message: Extract<ToGateway, { do: 'begin' }>): Promise<void> {
  // Taken now: behind the fence the process gets no function of the machine any more.
  const trim = openTrim();
  readAuthorities(process.env);
  shutIn(message.terms);
  const idle = () => {
    collectHeap();
    trim?.();
  };
  gateway = createGateway({ time: machineTime, link, idle }, message);
  link.send({ say: 'listening', port: await gateway.listen(message.terms.ports) });
  gateway.resolve();
}

/** Lets this process read its own code, listen, and connect to any port; by the kernel, too, where that can. */
function shutIn({ ports, parent }: GatewayTerms): void {
  const read = ['dist', 'package.json'].map((path) => fileURLToPath(packageFile(path)));
  const { fence, tried } = putUpFence({ read, write: [], ports: 'any', listen: ports, parent });
  if (fence === 'none')
    throw new Fault({
      code: 'FENCE_OPEN',
      message: `a fence of the model gateway does not hold: ${JSON.stringify(tried)}`,
      next: 'daruma doctor',
    });
}

function failed(error: unknown): void {
  const { stack: _, ...fault } = toPlainFault(error);
  link.send({ say: 'failed', fault });
}
