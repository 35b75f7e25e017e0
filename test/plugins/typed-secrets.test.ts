import { expect, expectTypeOf, it } from 'vitest';
import { type Context, definePlugin, z } from '../../src/index.ts';

it('secrets have the names that the plugin declares, and no others', () => {
  definePlugin({
    about: 'Two secrets.',
    settings: z.strictObject({ url: z.string() }),
    needs: { secrets: ['LLM_API_KEY', 'SHOP_TOKEN'], net: ['*'] },
    run({ secrets, settings }) {
      expectTypeOf(secrets.LLM_API_KEY).toEqualTypeOf<string>();
      expectTypeOf(secrets).toEqualTypeOf<Readonly<Record<'LLM_API_KEY' | 'SHOP_TOKEN', string>>>();
      expectTypeOf(settings.url).toEqualTypeOf<string>();
      // @ts-expect-error nobody declares it
      return secrets.NOPE;
    },
  });
  definePlugin({
    about: 'None.',
    run({ secrets }) {
      // @ts-expect-error nothing is declared
      return secrets.LLM_API_KEY;
    },
  });
  const names: string[] = ['A'];
  definePlugin({ about: 'Names that only the run knows.', needs: { secrets: names }, run: ({ secrets }) => secrets.A });
  const handed = (context: Context<unknown>) => context.secrets.ANY;
  definePlugin({ about: 'Hands its context on.', needs: { secrets: ['A'] }, run: (context) => handed(context) });
  expect(handed).toBeTypeOf('function');
});
