import { Fault } from '../../kernel/fault.ts';
import { notInNeeds } from '../../kernel/needs-fault.ts';

/** As secrets are called; other names are asked for by Node and by libraries that look at any object. */
const SECRET_NAME = /^[A-Z][A-Z0-9_]*$/;

/** The secrets of an agent. A name that was not declared would be undefined for ever: asking for it throws `NOT_IN_NEEDS`. */
export function declaredSecrets(values: Record<string, string>, agent: string): Readonly<Record<string, string>> {
  return new Proxy(Object.freeze(Object.assign(Object.create(null), values) as Record<string, string>), {
    get(target, name) {
      if (typeof name === 'string' && !Object.hasOwn(target, name) && SECRET_NAME.test(name)) {
        throw new Fault(notInNeeds({ agent, need: 'secrets', asked: name }));
      }
      return Reflect.get(target, name) as unknown;
    },
  });
}
