import { Fault } from '../../kernel/fault.ts';
import { llmNotInNeeds } from '../../kernel/needs-fault.ts';
import type { Llm } from '../../plugin/llm.ts';

/** `context.llm` of an agent without `needs.llm`: every use throws. */
export function deniedLlm(agent: string): Llm {
  const refuse = (): never => {
    throw new Fault(llmNotInNeeds(agent));
  };
  return {
    chat: (async () => refuse()) as Llm['chat'],
    get baseURL() {
      return refuse();
    },
    get apiKey() {
      return refuse();
    },
    get model() {
      return refuse();
    },
  };
}
