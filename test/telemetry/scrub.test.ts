import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createScrubber } from '../../src/telemetry/scrub.ts';

it('blots a secret out of a line, as it is, as JSON writes it and as a URL carries it', () => {
  const scrub = createScrubber(['pa"ss\nword', 'top secret/1']);
  expect(scrub(JSON.stringify({ msg: 'got pa"ss\nword here' }))).toBe('{"msg":"got [secret] here"}');
  expect(scrub('GET /?token=top%20secret%2F1')).toBe('GET /?token=[secret]');
});

it('blots the longer of two secrets first, so that no part of it stays', () => {
  expect(createScrubber(['abcdef', 'abcdef-ghijkl'])('x abcdef-ghijkl y')).toBe('x [secret] y');
});

it('leaves short values and clean lines alone', () => {
  const scrub = createScrubber(['yes', '']);
  expect(scrub('yes, it works')).toBe('yes, it works');
});

it('never leaves a secret in a line of JSON, whatever the secret is made of', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 6 }), fc.string(), fc.string(), (secret, before, after) => {
      fc.pre(!'[secret]'.includes(secret));
      const line = createScrubber([secret])(JSON.stringify(before + secret + after));
      expect(line).not.toContain(JSON.stringify(secret).slice(1, -1));
    }),
  );
});
