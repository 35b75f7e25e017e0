import { describe, expect, it } from 'vitest';
import { createOutbound } from '../../src/host/outbound.ts';
import type { Agent } from '../../src/jobs/agent.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { Clock } from '../healing/world.ts';

const DOWN = 'http://127.0.0.1:8098';

describe('a server that is down', () => {
  it('is forgotten when no agent that met it is left to ask for it', () => {
    const agent = (name: string, ...net: string[]) => [name, { name, needs: { net } } as unknown as Agent] as const;
    const agents = new Map([agent('shop', '127.0.0.1:8098'), agent('all', '*')]);
    let changes = 0;
    const clock = new Clock();
    const outbound = createOutbound({
      time: clock,
      journal: { child: () => silentLog },
      settings: { origins: {}, models: { chain: [] } },
      runnableAgents: () => agents,
      bus: { emit: () => void changes++ },
      meter: { count: () => {} },
    });
    const ref = (n: number) => ({ job: `job-${n}`, attempt: 1, agent: 'shop' }) as const;
    for (let n = 0; n < 3; n++) {
      clock.wall += 400;
      const admission = outbound.admit({ ask: 'admit', ...ref(n), origin: DOWN, alone: false }, agents.get('shop')!);
      if (admission.is !== 'go') throw new Error('it was refused too early');
      const end = { is: 'bad', ms: 1, failure: { what: 'connection refused' } } as const;
      outbound.callEnded(
        { ask: 'fetched', ...ref(n), meant: DOWN, origin: DOWN, pass: admission.pass, end },
        agents.get('shop')!,
      );
    }
    outbound.heldUp(ref(2), 'shop', { code: 'ORIGIN_DOWN', message: 'x' });
    outbound.use();
    expect(outbound.view()).toMatchObject([{ origin: DOWN, is: 'open' }]);
    changes = 0;
    agents.delete('shop');
    outbound.use();
    expect(outbound.view()).toEqual([]);
    expect(changes).toBe(1);
  });
});
