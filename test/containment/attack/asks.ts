/** Asks the host of an installation what its parent says, as the user that this process runs as, and hands the answers on. */
import { connectControl } from '../../../src/control/client.ts';
import { readHostFile } from '../../../src/control/place.ts';
import type { Op } from '../../../src/control/protocol.ts';

const client = await connectControl(readHostFile(process.env.INSTALLATION!)!.socket);

process.on('message', async ({ id, op, args }: { id: number; op: Op; args: never }) => {
  try {
    process.send!({ id, value: (await client.ask(op, args)) ?? null });
  } catch (error) {
    process.send!({ id, error: (error as Error).message });
  }
});
process.on('disconnect', () => process.exit());
process.send!({ id: 0 });
