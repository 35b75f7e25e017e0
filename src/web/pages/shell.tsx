import type { Child } from 'hono/jsx';
import type { StatusView } from '../../control/protocol.ts';
import { needsYou } from '../../control/words/agent.ts';
import { clockTime } from '../../kernel/clock.ts';
import { isoOf } from '../../kernel/instant.ts';
import { plainLine } from '../../kernel/shown-text.ts';
import type { Flash, Html, PageCall } from '../page.ts';
import { Doll } from './doll.tsx';
import { Act, counted, FaultBox, Said, When } from './parts.tsx';

/**
 * A page in its shell. The body of a page may need the status that the shell shows, so the host is asked for it once.
 */
export async function inShell(call: PageCall, title: string, body: (status: StatusView) => Child): Promise<Html> {
  const status = await call.ask('status', {});
  return plainHtml(
    <Shell call={call} title={title} status={status}>
      {body(status)}
    </Shell>,
  );
}

/**
 * A document without the characters that turn the direction of letters, whatever text an author put into it. Tags and
 * line ends stay.
 */
export function plainHtml(document: Html): Html {
  return { toString: async () => (await document.toString()).split('\n').map(plainLine).join('\n') };
}

/** The pages that the shell leads to, in the order of its links, with the letter that follows `g` on a keyboard. */
const LINKS = [
  { path: '/', text: 'Overview', key: 'o' },
  { path: '/schedule', text: 'Schedule', key: 's' },
  { path: '/incidents', text: 'Incidents', key: 'i' },
  { path: '/alerts', text: 'Alerts', key: 'e' },
  { path: '/jobs', text: 'Jobs', key: 'j' },
  { path: '/dlq', text: 'Dead letters', key: 'd' },
  { path: '/trends', text: 'Trends', key: 't' },
  { path: '/logs', text: 'Logs', key: 'l' },
  { path: '/reports', text: 'Reports', key: 'r' },
  { path: '/host', text: 'Host', key: 'h' },
  { path: '/audit', text: 'Audit', key: 'a' },
] as const;

/** All of a call but what asks: the shell gets its status. */
type ShellCall = Omit<PageCall, 'ask' | 'params'>;

interface ShellProps {
  call: ShellCall;
  title: string;
  /** Undefined: neither the host nor its store answers. */
  status: StatusView | undefined;
  children: Child;
}

/** The frame of every page: its links, the heartbeat, and what holds for the whole installation. */
export function Shell({ call, title, status, children }: ShellProps) {
  const isClean = status !== undefined && !call.down && !needsYou(status);
  return (
    <html lang="en" data-zone={call.clock.zone}>
      <Head title={title} asset={call.asset} />
      <body>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <header id="top">
          <a class="home" href="/">
            <Doll painted={isClean ? 2 : 1} words={isClean ? 'a clean day' : 'something needs you'} />
            daruma
          </a>
          <Links call={call} status={status} />
          <PauseAll call={call} status={status} />
          <Heartbeat call={call} />
        </header>
        <p id="stale" class="banner bad" role="alert" hidden>
          <span class="sign">✗</span> This page is stale: no data since <b />. Neither the page nor its host answers.{' '}
          <span class="next">→ daruma health; where no host is running: daruma start</span>
        </p>
        <main id="main">
          <Banners call={call} />
          <h1>{title}</h1>
          {children}
        </main>
      </body>
    </html>
  );
}

/** The head of every document. */
export function Head({ title, asset }: { title: string; asset: PageCall['asset'] }) {
  return (
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>{`${title} · daruma`}</title>
      <link rel="icon" href={asset('icon.svg')} type="image/svg+xml" />
      <link rel="stylesheet" href={asset('page.css')} />
      <script src={asset('idiomorph.js')} defer />
      <script src={asset('page.js')} type="module" />
    </head>
  );
}

function Links({ call, status }: Pick<ShellProps, 'call' | 'status'>) {
  const dead = status?.agents.reduce((sum, agent) => sum + agent.dead, 0) ?? 0;
  const counts: Record<string, number> = { '/incidents': status?.incidents.open ?? 0, '/dlq': dead };
  return (
    <nav class="links" aria-label="Pages">
      {LINKS.map(({ path, text, key }) => (
        <a href={path} data-key={key} aria-current={path === call.path ? 'page' : undefined}>
          {text}
          {counts[path] ? <b class="count">{counts[path]}</b> : null}
        </a>
      ))}
    </nav>
  );
}

/** The moment of which the page tells. The script writes `live` before it while the host's heartbeat arrives. */
function Heartbeat({ call }: { call: ShellCall }) {
  return (
    <p id="beat" class={call.down ? 'beat off' : 'beat'}>
      <span class="dot" aria-hidden="true" />
      <span class="word">{call.down ? 'host silent' : 'as of'}</span>{' '}
      <time datetime={isoOf(call.clock.now)}>{clockTime(call.clock.now, call.clock)}</time>
    </p>
  );
}

function PauseAll({ call, status }: Pick<ShellProps, 'call' | 'status'>) {
  if (!status || call.down || call.viewer.role !== 'operator') return null;
  const paused = status.agents.filter(({ state }) => state === 'paused').length;
  const running = status.agents.filter(({ state }) => state !== 'paused' && state !== 'off').length;
  return (
    <details class="menu" id="pause-all">
      <summary>{running === 0 && paused > 0 ? 'All paused' : 'Pause all'}</summary>
      <div class="sheet">
        <p>No agent starts a job while it is paused. Jobs that run now go on; slots of that time end as skipped.</p>
        {running > 0 && (
          <Act call={call} op="pauseAll" label={`Pause ${counted(running, 'agent')}`} look="danger">
            <PauseLength id="pause-all-for" />
          </Act>
        )}
        {paused > 0 && <Act call={call} op="resumeAll" label={`Resume ${counted(paused, 'agent')}`} />}
      </div>
    </details>
  );
}

/** The choice of how long a pause lasts. */
export function PauseLength({ id }: { id: string }) {
  return (
    <>
      <label for={id}>for</label>
      <select id={id} name="forMs">
        <option value="">until somebody resumes</option>
        <option value="900000">15 minutes</option>
        <option value="3600000">1 hour</option>
        <option value="14400000">4 hours</option>
        <option value="86400000">1 day</option>
      </select>
    </>
  );
}

function Banners({ call }: { call: ShellCall }) {
  const { down, flash, clock } = call;
  return (
    <div id="banners">
      {down && (
        <p class="banner bad" role="alert">
          <span class="sign">✗</span> <strong>The host is not answering (frozen?).</strong> Its process is {down.pid},
          and it was last heard <When at={down.lastSign} clock={clock} isRelative />; this is what stands in its store.{' '}
          <span class="next">→ daruma health</span>
        </p>
      )}
      {flash && <FlashBox flash={flash} />}
    </div>
  );
}

function FlashBox({ flash }: { flash: Flash }) {
  if (flash.is === 'failed')
    return (
      <div class="banner bad" role="alert">
        <FaultBox fault={flash.fault} />
      </div>
    );
  return (
    <p class="banner good" role="status">
      <span class="sign">✓</span> <Said text={flash.text} />
    </p>
  );
}
