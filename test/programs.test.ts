import { expect, it } from 'vitest';
import { requiredProgram } from './programs.ts';

it('a test whose program is missing fails with what to install', () => {
  const { PATH } = process.env;
  process.env.PATH = '/nowhere';
  try {
    expect(() => requiredProgram('bwrap')).toThrow(
      'bwrap is not installed: apt-get install bubblewrap, or scripts/test-programs.sh as root',
    );
    expect(() => requiredProgram('unheard-of')).toThrow('unheard-of has no row in scripts/test-programs.sh');
  } finally {
    process.env.PATH = PATH;
  }
});
