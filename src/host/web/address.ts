import type { HostSettings } from '../../catalog/files/host-settings-table.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { isLoopback } from '../../kernel/origin.ts';

/**
 * The reason why the page cannot listen where the settings put it: beyond this machine its cookies and forms would
 * travel in the clear, so a server with TLS has to stand in front, under a name that is known. undefined: it can.
 */
export function webAddressFault({ host, origin, behindTls }: HostSettings['web']): PlainFault | undefined {
  const next = 'see docs/page.md#beyond-this-machine: web.origin and web.behindTls, or web.host: 127.0.0.1';
  const code = 'WEB_ADDRESS_REFUSED';
  if (!isLoopback(host) && (origin === undefined || !behindTls))
    return {
      code,
      message: `the page is not served on ${host} without TLS in front of it`,
      next,
      file: 'config/daruma.yaml',
    };
  if (origin === undefined) return undefined;
  if (!URL.canParse(origin) || new URL(origin).origin !== origin || !/^https:/.test(origin))
    return {
      code,
      message: `web.origin ${JSON.stringify(origin)} is no origin such as https://daruma.example`,
      next,
      file: 'config/daruma.yaml',
    };
  if (!behindTls)
    return {
      code,
      message: `web.origin says ${origin}, and web.behindTls does not say that TLS stands in front`,
      next,
      file: 'config/daruma.yaml',
    };
  return undefined;
}
