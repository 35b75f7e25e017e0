/** Endings of names that X makes a link of without `https://`. Others are many; a link that is missed costs money, a word that is taken for a link a bracket. */
const ENDINGS = 'com|net|org|io|dev|app|co|ai|info|eu|de|uk|us|cloud|online|site|shop|blog|xyz|me|tv|gov|edu';
const BARE = new RegExp(`\\b((?:[a-z0-9-]+\\.)+)(?=(?:${ENDINGS})\\b)`, 'giu');

/** The text with addresses that nobody can follow: `https://shop.example/x` becomes `shop[.]example/x`. */
export function linkless(text: string): string {
  const plain = text.replace(/https?:\/\/([^\s/<>"]+)/giu, (_, host: string) => host.replaceAll('.', '[.]'));
  return plain.replace(BARE, (labels: string) => labels.replaceAll('.', '[.]'));
}
