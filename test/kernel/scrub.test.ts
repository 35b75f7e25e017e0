import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createScrubber } from '../../src/kernel/scrub.ts';

describe('a text', () => {
  it('loses a secret as it is, as JSON writes it and as a URL carries it', () => {
    const scrub = createScrubber(['pa"ss\nword', 'top secret/1']);
    expect(scrub.text(JSON.stringify({ msg: 'got pa"ss\nword here' }))).toBe('{"msg":"got [secret] here"}');
    expect(scrub.text('GET /?token=top%20secret%2F1')).toBe('GET /?token=[secret]');
    expect(scrub.text('token=top+secret%2F1')).toBe('token=[secret]');
  });

  it('loses a secret in hexadecimal digits, in JSON within JSON, and in a URL with small letters', () => {
    const secret = 'pa"ss/word';
    const scrub = createScrubber([secret]);
    const hex = Buffer.from(secret).toString('hex');
    for (const form of [hex, hex.toUpperCase(), JSON.stringify(JSON.stringify(secret)), 'pa%22ss%2fword'])
      expect(scrub.text(`x ${form} y`)).not.toMatch(/ss.?word|7373|%2f/i);
  });

  it('loses the longer of two secrets first, so that no part of it stays', () => {
    expect(createScrubber(['abcdef', 'abcdef-ghijkl']).text('x abcdef-ghijkl y')).toBe('x [secret] y');
  });

  it('is left alone where it holds no secret, or only a short one', () => {
    const scrub = createScrubber(['yes', '']);
    expect(scrub.text('yes, it works')).toBe('yes, it works');
  });

  it('loses the head of a secret at the place where it was cut', () => {
    const scrub = createScrubber(['s3cr3t-of-the-shop']);
    expect(scrub.text('the token is s3cr3t-of-t…')).toBe('the token is [secret]…');
    expect(scrub.text('the token is s3cr3t-of-t\n\n(cut)')).toBe('the token is [secret]\n\n(cut)');
    expect(scrub.text(`${'x'.repeat(5_000)}s3cr3t-o`)).toMatch(/x\[secret\]$/);
    expect(scrub.text('it ends with s3cr3t-o')).toBe('it ends with s3cr3t-o');
  });
});

/** Eight characters in a row that both have: 48 bits of what was encoded. */
function shares(text: string, whole: string): boolean {
  for (let at = 0; at + 8 <= whole.length; at++) if (text.includes(whole.slice(at, at + 8))) return true;
  return false;
}

it('never leaves a secret in a value, whatever the secret is made of and wherever it stands, base64 included', () => {
  const secrets = fc.oneof(fc.string({ minLength: 6 }), fc.string({ minLength: 12, unit: 'binary' }));
  fc.assert(
    fc.property(secrets, fc.string(), fc.string(), (secret, before, after) => {
      fc.pre(!'[secret]'.includes(secret) && !before.includes(secret) && !after.includes(secret));
      const scrub = createScrubber([secret]);
      const text = before + secret + after;
      const value = { text, list: [text], [text]: 1, deep: { json: JSON.stringify({ text }) } };
      const plain = JSON.stringify(secret).slice(1, -1);
      expect(JSON.stringify(scrub.value(value))).not.toContain(plain);
      expect(scrub.json(JSON.stringify(value))).not.toContain(plain);
      for (const encoding of ['base64', 'base64url'] as const) {
        const encoded = Buffer.from(text).toString(encoding);
        const alone = Buffer.from(secret).toString(encoding).replace(/=+$/, '');
        expect(scrub.value([alone])).toEqual(['[secret]']);
        const begin = Math.ceil((Buffer.byteLength(before) * 8) / 6);
        const middle = encoded.slice(begin, begin + alone.length - 2);
        // The text around it may hold a part of the secret by itself.
        const isAround = [encoded.slice(0, begin), encoded.slice(begin + middle.length)].some((one) =>
          shares(one, middle),
        );
        if (middle.length >= 8 && !isAround) expect(shares(scrub.value(encoded), middle)).toBe(false);
      }
    }),
    { examples: [['߿__loo`\u0000\u0000\u0000\u0000\u0000', '', ' __loo`']] },
  );
});

describe('a value', () => {
  const scrub = createScrubber(['123456', 's3cr3t-value']);

  it('loses numbers and keys that are secrets, and stays JSON', () => {
    expect(scrub.value({ id: 123456, near: 1234567, 's3cr3t-value': [123456n] })).toEqual({
      id: '[secret]',
      near: 1234567,
      '[secret]': ['[secret]'],
    });
    expect(scrub.json('{"id":123456,"ok":true}')).toBe('{"id":"[secret]","ok":true}');
    expect(scrub.json('123456')).toBe('"[secret]"');
  });

  it('is the same object where nothing is hidden', () => {
    const value = { a: [1, { b: 'text' }], at: null, none: undefined };
    expect(scrub.value(value)).toBe(value);
    expect(createScrubber().value(value)).toBe(value);
  });

  it('counts as what its toJSON returns, and is left out where it is too deep or goes in circles', () => {
    expect(scrub.value({ url: new URL('https://x.example/?k=s3cr3t-value') })).toEqual({
      url: 'https://x.example/?k=[secret]',
    });
    const round: unknown[] = [];
    round.push(round);
    expect(() => JSON.stringify(scrub.value(round))).not.toThrow();
    const deep = `${'['.repeat(9_000)}"s3cr3t-value"${']'.repeat(9_000)}`;
    expect(scrub.json(deep)).not.toContain('s3cr3t');
  });

  it('keeps the figures of the host in an answer, and none of a plugin', () => {
    expect(scrub.answer({ pid: 123456, about: 's3cr3t-value', input: { id: 123456 } })).toEqual({
      pid: 123456,
      about: '[secret]',
      input: { id: '[secret]' },
    });
  });
});
