import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { resolveHostSettings } from '../../src/catalog/files/host-settings.ts';
import { ORIGIN_DEFAULTS, termsFor } from '../../src/gateway/origins/terms.ts';
import { Fault } from '../../src/kernel/fault.ts';

const FILE = 'config/daruma.yaml';
const read = (text: string) => resolveHostSettings(text, FILE);

function refusal(text: string) {
  try {
    read(text);
  } catch (error) {
    if (error instanceof Fault) return error.plain;
    throw error;
  }
  throw new Error('it was taken');
}

describe('origins in config/daruma.yaml', () => {
  it('are read in base units, by the origin as URLs have it, each with its place', () => {
    const { settings, origins } = read(
      [
        'origins:',
        '  "*": { failures: 5, pause: { first: 10s } }',
        '  "HTTPS://API.example:443": { instead: ["https://mirror.example/"], credentials: true, timeout: 90s }',
      ].join('\n'),
    );
    expect(settings.origins).toEqual({
      '*': { failures: 5, pause: { first: 10_000 } },
      'https://api.example': { instead: ['https://mirror.example'], credentials: true, timeoutMs: 90_000 },
    });
    expect(origins.filter(({ path }) => path.startsWith('origins.')).map(({ origin }) => origin)).toEqual([
      `${FILE}:2:3`,
      `${FILE}:3:3`,
    ]);
  });

  it('are as the guide says, defaults and all', () => {
    const text = readFileSync(new URL('../plugins/examples/daruma.yaml', import.meta.url), 'utf8');
    const { origins } = read(text).settings;
    expect(origins['https://api.example']).toEqual({ instead: ['https://mirror.example'] });
    expect(termsFor('https://other.example', origins)).toEqual(ORIGIN_DEFAULTS);
  });

  it('hold for one origin before they hold for all, and the defaults last', () => {
    const { settings } = read(
      'origins: { "*": { failures: 5, pause: { first: 10s } }, "http://a.example": { rate: 1 } }',
    );
    const { pause } = ORIGIN_DEFAULTS;
    expect(termsFor('http://a.example', settings.origins)).toMatchObject({
      failures: 5,
      rate: 1,
      pause: { first: 10_000, longest: pause.longest },
    });
    expect(termsFor('http://b.example', read('').settings.origins)).toEqual(ORIGIN_DEFAULTS);
  });

  it.each([
    ['"https://api.example/v1": {}', /expected an origin such as https:\/\/api.example/],
    ['"api.example": {}', /expected an origin/],
    ['"https://u:p@api.example": {}', /expected an origin/],
    ['"https://api.example": { instead: ["https://api.example/"] }', /is the origin itself/],
    ['"https://api.example": { insted: [] }', /insted is unknown, did you mean instead\?/],
    ['"https://api.example": { failures: 0 }', /failures/],
  ])('%s is refused with its place', (text, message) => {
    expect(refusal(`origins:\n  ${text}\n`)).toMatchObject({
      code: 'HOST_SETTINGS_INVALID',
      message: expect.stringMatching(message),
      line: 2,
    });
  });
});
