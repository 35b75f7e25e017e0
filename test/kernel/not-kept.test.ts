import { expect, it } from 'vitest';
import { notKeptOf } from '../../src/kernel/not-kept.ts';

const errorAt = (path: string, code = 'ENOENT') =>
  Object.assign(new Error(`${code}: no such file or directory, open '${path}'`), { code, path });

it('tells a file that a source looks for beside itself by its own path, and never by that of a version', () => {
  const fault = notKeptOf(errorAt('/fleet/data/versions/post/0123456789ab/source/plugins/texts/one.md'), '/fleet');
  expect(fault).toMatchObject({ code: 'NOT_KEPT' });
  expect(fault!.message).toContain('plugins/texts/one.md');
  expect(`${fault!.message} ${fault!.next}`).not.toContain('data/versions');
  const required = new Error("Cannot find module '/fleet/data/versions/post/0123456789ab/locales/de.json'");
  expect(notKeptOf(Object.assign(required, { code: 'MODULE_NOT_FOUND' }), '/fleet')!.message).toContain(
    'locales/de.json',
  );
});

it('tells it where the versions lie on another disk, and where a path leads out of a version', () => {
  const away = notKeptOf(errorAt('/disk/versions/post/0123456789ab/source/plugins/one.md'), '/fleet');
  expect(away!.message).toContain('plugins/one.md was not kept');
  expect(notKeptOf(errorAt('/fleet/data/versions/post/x.json', 'ERR_ACCESS_DENIED'), '/fleet')!.code).toBe('NOT_KEPT');
});

it('says nothing of other files, other errors and other installations', () => {
  expect(notKeptOf(errorAt('/fleet/data/report.md'), '/fleet')).toBe(undefined);
  expect(notKeptOf(errorAt('/other/data/versions/a/b/source/x.md'), '/fleet')).toBe(undefined);
  expect(notKeptOf(errorAt('/fleet/data/versions/a/b/source/x.md', 'EACCES'), '/fleet')).toBe(undefined);
  expect(notKeptOf(new Error('x'), '/fleet')).toBe(undefined);
});
