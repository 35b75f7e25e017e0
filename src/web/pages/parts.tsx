/** The small parts of which every page is made. */
import type { Child } from 'hono/jsx';
import type { AgentView } from '../../control/protocol.ts';
import { memoryWords } from '../../control/words/agent.ts';
import { type Clock, fullTime, relative, shortTime } from '../../kernel/clock.ts';
import { locationOf, type PlainFault } from '../../kernel/fault.ts';
import { signOf } from '../../kernel/state-sign.ts';
import type { PageCall } from '../page.ts';

/** A state with its sign and its word, so that its colour is never alone. `word`: what stands for the state. */
export function State({ state, word = state }: { state: string; word?: string }) {
  const { sign, style } = signOf(state);
  return (
    <span class={`state ${style}`}>
      <span class="sign">{sign}</span> {word}
    </span>
  );
}

/** A time as people near the host say it, in full when it is pointed at; a dash for none. */
export function When({ at, clock, isRelative }: { at: string | null | undefined; clock: Clock; isRelative?: boolean }) {
  if (!at) return <span class="dim">–</span>;
  const ms = Date.parse(at);
  return (
    <time datetime={at} title={fullTime(ms, clock)}>
      {isRelative ? relative(ms, clock) : shortTime(ms, clock)}
    </time>
  );
}

/** A text that an author or a server outside wrote: on one line, marked as his. */
export function Said({ text, most = 300 }: { text: string; most?: number }) {
  const line = text.replace(/\s+/g, ' ').trim();
  return <q class="said">{line.length > most ? `${line.slice(0, most)}…` : line}</q>;
}

/** Lines that an author or a server outside wrote, with their line ends, at most 64 KB of them. */
export function SaidLines({ text, label }: { text: string; label: string }) {
  const cut = text.slice(0, 65_536);
  return (
    <section class="scroll said" tabindex={0} aria-label={label}>
      <pre>
        {cut}
        {cut.length < text.length && '\n… the rest is cut'}
      </pre>
    </section>
  );
}

/** A fault with its place, the lines around it, and what to do next. */
export function FaultBox({ fault }: { fault: PlainFault }) {
  const place = locationOf(fault);
  return (
    <div class="fault">
      <p>
        <span class="sign red">✗</span> <Said text={fault.message} most={2_000} />
        {place && !fault.message.includes(place) && <span class="dim"> at {place}</span>}
      </p>
      {fault.frame && <SaidLines text={fault.frame.trimEnd()} label="The lines around the place" />}
      {fault.next && <p class="next">→ {fault.next}</p>}
    </div>
  );
}

/** The form of an act, which works without a script; a reader sees none. */
export function Act({
  call,
  op,
  args = {},
  label,
  look = 'plain',
  back = hereOf(call),
  children,
}: {
  call: Pick<PageCall, 'viewer' | 'path' | 'query'>;
  op: string;
  /** Arguments that are not asked for. */
  args?: Readonly<Record<string, string | undefined>>;
  label: string;
  look?: 'plain' | 'main' | 'danger';
  /** Where the act leads to. Default: back to this page. */
  back?: string;
  children?: Child;
}) {
  if (call.viewer.role !== 'operator') return null;
  return (
    <form class="act" method="post" action={`/act/${op}`}>
      <input type="hidden" name="csrf" value={call.viewer.csrf} />
      <input type="hidden" name="back" value={back} />
      {Object.entries(args).map(
        ([name, value]) => value !== undefined && <input type="hidden" name={name} value={value} />,
      )}
      {children}
      <button class={look} type="submit">
        {label}
      </button>
    </form>
  );
}

/** A section of a page under its heading. */
export function Section({ title, id, children, aside }: { title: string; id: string; children: Child; aside?: Child }) {
  return (
    <section aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** A table that scrolls by itself where it is wider than the screen. */
export function Table({ label, heads, children }: { label: string; heads: readonly string[]; children: Child }) {
  return (
    <section class="scroll" tabindex={0} aria-label={label}>
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <th scope="col">{head}</th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

/** Choices of which one holds, each a link of its own: the filter stays in the address. */
export function Choices({
  call,
  name,
  choices,
  fallback,
  label,
}: {
  call: Pick<PageCall, 'path' | 'query'>;
  /** The key of the query. */
  name: string;
  choices: readonly { value: string; text: string }[];
  fallback: string;
  label: string;
}) {
  const chosen = call.query.get(name) ?? fallback;
  return (
    <nav class="choices" aria-label={label}>
      {choices.map(({ value, text }) => (
        <a href={withQuery(call, { [name]: value })} aria-current={value === chosen ? 'true' : undefined}>
          {text}
        </a>
      ))}
    </nav>
  );
}

/** The address of this page with other filters; undefined takes a filter away. */
export function withQuery(
  { path, query }: Pick<PageCall, 'path' | 'query'>,
  changes: Readonly<Record<string, string | undefined>>,
): string {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) next.delete(name);
    else next.set(name, value);
  }
  return next.size === 0 ? path : `${path}?${next}`;
}

/** The filters of those names that are texts, without those that are empty: a form sends these too. */
export function textsIn<Name extends string>(
  query: URLSearchParams,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const said = names.flatMap((name) => {
    const value = query.get(name)?.slice(0, 200).trim();
    return value ? [[name, value] as const] : [];
  });
  return Object.fromEntries(said) as Partial<Record<Name, string>>;
}

/** The address of this page, with its filters. */
export function hereOf(call: Pick<PageCall, 'path' | 'query'>): string {
  // `said` names the outcome of an act, which is shown once.
  return withQuery(call, { said: undefined });
}

/** The address of an agent, a job or an incident; any name is one part of the path. */
export function addressOf(kind: 'agents' | 'jobs' | 'incidents' | 'versions', name: string): string {
  return `/${kind}/${encodeURIComponent(name)}`;
}

/** `1 job`, `2 jobs`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

/** The memory of an agent's workers against its limit. */
export function MemoryMeter({ agent }: { agent: AgentView }) {
  const { usedBytes, limitBytes } = agent.memory;
  return (
    <>
      {usedBytes !== null && limitBytes > 0 && (
        <meter
          min={0}
          max={limitBytes}
          high={limitBytes * 0.8}
          value={usedBytes}
          aria-label={`Memory of ${agent.name}`}
        />
      )}{' '}
      {memoryWords(agent)}
    </>
  );
}
