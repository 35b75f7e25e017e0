import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { webAddressFault } from '../../src/host/web/address.ts';
import { readForm } from '../../src/web/form.ts';
import {
  cookieIn,
  csrfOf,
  isCsrfOf,
  isOwnHost,
  isOwnOrigin,
  pageAddress,
  type RequestSource,
  safeBack,
} from '../../src/web/guard.ts';

const here = pageAddress({ host: '127.0.0.1', port: 7070, origin: null });
const behind = pageAddress({ host: '0.0.0.0', port: 7070, origin: 'https://daruma.example' });
const source = (said: Partial<RequestSource>): RequestSource => ({
  host: undefined,
  origin: undefined,
  site: undefined,
  ...said,
});

describe('the page', () => {
  it('answers to its own names alone, so that a foreign name which leads to this machine is none', () => {
    for (const host of ['127.0.0.1:7070', 'localhost:7070', 'LOCALHOST:7070', '[::1]:7070'])
      expect(isOwnHost(source({ host }), here)).toBe(true);
    for (const host of [
      undefined,
      '',
      'evil.example',
      'evil.example:7070',
      '127.0.0.1',
      '127.0.0.1:7071',
      '127.0.0.1.evil.example:7070',
      'localhost:7070@evil.example',
    ])
      expect(isOwnHost(source({ host }), here)).toBe(false);
    expect(isOwnHost(source({ host: 'daruma.example' }), behind)).toBe(true);
    expect(isOwnHost(source({ host: 'other.example' }), behind)).toBe(false);
  });

  it('takes forms of its own pages alone', () => {
    expect(isOwnOrigin(source({ origin: 'http://127.0.0.1:7070', site: 'same-origin' }), here)).toBe(true);
    // As browsers say it under no-referrer.
    expect(isOwnOrigin(source({ origin: 'null', site: 'same-origin' }), here)).toBe(true);
    expect(isOwnOrigin(source({ origin: 'null' }), here)).toBe(false);
    expect(isOwnOrigin(source({}), here)).toBe(true);
    for (const site of ['cross-site', 'same-site', 'none'])
      expect(isOwnOrigin(source({ origin: 'http://127.0.0.1:7070', site }), here)).toBe(false);
    for (const origin of ['http://evil.example', 'http://127.0.0.1:7071', 'https://127.0.0.1:7070', 'http://localhost'])
      expect(isOwnOrigin(source({ origin }), here)).toBe(false);
    expect(isOwnOrigin(source({ origin: 'https://daruma.example' }), behind)).toBe(true);
  });

  it('gives each session a token of its own for its forms', () => {
    expect(isCsrfOf(csrfOf('cookie'), 'cookie')).toBe(true);
    for (const said of [csrfOf('other'), '', undefined, null, 1, csrfOf('cookie').slice(1)])
      expect(isCsrfOf(said, 'cookie')).toBe(false);
  });

  it('leads back to itself and to no other place', () => {
    for (const path of ['/', '/agents/a?since=1d#x', '/jobs?text=a%20b']) expect(safeBack(path)).toBe(path);
    for (const path of [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example',
      '/\t/evil.example',
      '/a\nb',
      '',
      undefined,
      '/ x',
    ])
      expect(safeBack(path)).toBe('/');
    fc.assert(
      fc.property(fc.string(), (path) => {
        expect(new URL(safeBack(`/${path}`), 'http://page.invalid').origin).toBe('http://page.invalid');
      }),
    );
  });

  it('finds its cookie among others', () => {
    expect(cookieIn('a=1; daruma_1=x=y ; daruma_2=z', 'daruma_1')).toBe('x=y');
    expect(cookieIn('xdaruma_1=no', 'daruma_1')).toBeUndefined();
    expect(cookieIn(undefined, 'daruma_1')).toBeUndefined();
  });
});

describe('a form', () => {
  const read = (op: string, text: string) => {
    const form = readForm(op, new URLSearchParams(text));
    return form.is === 'act' ? form.args : form.fault;
  };

  it('is read as the schema of its operation wants it', () => {
    expect(read('pause', 'csrf=x&back=/&agent=tick&forMs=60000')).toEqual({ agent: 'tick', forMs: 60_000 });
    expect(read('rollback', 'agent=a&version=&force=on&latest=false')).toEqual({
      agent: 'a',
      force: true,
      latest: false,
    });
    expect(read('replay', 'cause=c&states=dead&states=cancelled&dryRun=true')).toEqual({
      cause: 'c',
      states: ['dead', 'cancelled'],
      dryRun: true,
    });
    expect(read('run', 'agent=a&input={"n":[1]}')).toEqual({ agent: 'a', input: { n: [1] } });
    expect(read('ack', 'id=inc-1&note=')).toEqual({ id: 'inc-1' });
  });

  it('makes the input of a job out of fields', () => {
    const fields =
      'agent=a&input.url=http://x&input.count~number=3&input.deep.on~boolean=on&input.tags~list=a,b&input.any~json=[null]';
    expect(read('run', fields)).toEqual({
      agent: 'a',
      input: { url: 'http://x', count: 3, deep: { on: true }, tags: ['a', 'b'], any: [null] },
    });
  });

  it('is refused with a reason, and reaches no prototype', () => {
    const many = Array.from({ length: 300 }, (_, i) => `a${i}=1`).join('&');
    for (const text of ['a b=1', 'input.__proto__.x=1', '__proto__=1', 'input={', many])
      expect(read('run', text)).toMatchObject({ code: 'FORM_INVALID' });
    expect(({} as Record<string, unknown>).x).toBeUndefined();
    expect(read('pause', 'agent=a&forMs=soon')).toMatchObject({ code: 'ARGS_INVALID' });
    expect(read('pause', '')).toMatchObject({ code: 'ARGS_INVALID', message: 'pause: agent is missing' });
  });

  it('asks for acts alone', () => {
    expect(readForm('stop', new URLSearchParams())).toEqual({ is: 'act', op: 'stop', args: {} });
    for (const op of ['status', 'follow', 'constructor', '__proto__', ''])
      expect(read(op, '')).toMatchObject({ code: 'ACT_UNKNOWN' });
  });
});

describe('an address', () => {
  const web = (said: object) => ({
    enabled: true,
    port: 7070,
    host: '127.0.0.1',
    origin: undefined,
    behindTls: false,
    metrics: 'loopback' as const,
    ...said,
  });

  it('beyond this machine is refused without TLS in front', () => {
    for (const host of ['127.0.0.1', 'localhost', '::1', '127.1.2.3'])
      expect(webAddressFault(web({ host }))).toBeUndefined();
    for (const said of [
      { host: '0.0.0.0' },
      { host: '::' },
      { host: '192.168.0.2', origin: 'https://daruma.example' },
      { host: '192.168.0.2', behindTls: true },
      { origin: 'https://daruma.example' },
      { origin: 'http://daruma.example', behindTls: true },
      { origin: 'https://daruma.example/', behindTls: true },
      { origin: 'daruma.example', behindTls: true },
      { host: '127.0.0.1.evil.example' },
    ])
      expect(webAddressFault(web(said))).toMatchObject({
        code: 'WEB_ADDRESS_REFUSED',
        next: expect.stringContaining('docs/page.md'),
      });
    expect(
      webAddressFault(web({ host: '0.0.0.0', origin: 'https://daruma.example', behindTls: true })),
    ).toBeUndefined();
  });
});
