import type { PageKit } from '../page.ts';

/** The pages. */
export const KIT: PageKit = {
  pages: [],
  signIn: ({ fault }) => <html lang="en">{fault?.message ?? 'Nobody has signed in'} → daruma open</html>,
  failed: (_call, { message, next }) => (
    <html lang="en">
      {message} → {next}
    </html>
  ),
};
