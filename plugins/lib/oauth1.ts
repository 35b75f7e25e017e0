import { createHmac, randomBytes } from 'node:crypto';

export interface OAuthKeys {
  consumerKey: string;
  consumerSecret: string;
  token: string;
  tokenSecret: string;
}

/** The header `Authorization` of OAuth 1.0a (HMAC-SHA1) for a request whose body is JSON, which is not signed. */
export function oauthHeader(
  method: string,
  url: string,
  keys: OAuthKeys,
  { nonce = randomBytes(16).toString('hex'), now = Date.now() }: { nonce?: string; now?: number } = {},
): string {
  const { origin, pathname, searchParams } = new URL(url);
  const own = {
    oauth_consumer_key: keys.consumerKey,
    oauth_nonce: nonce,
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: String(Math.floor(now / 1_000)),
    oauth_token: keys.token,
    oauth_version: '1.0',
  };
  const signed = [...searchParams, ...Object.entries(own)]
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort();
  const base = [method.toUpperCase(), `${origin}${pathname}`, signed.join('&')].map(encoded).join('&');
  const key = `${encoded(keys.consumerSecret)}&${encoded(keys.tokenSecret)}`;
  const signature = createHmac('sha1', key).update(base).digest('base64');
  const shown = Object.entries({ ...own, oauth_signature: signature });
  return `OAuth ${shown.map(([name, value]) => `${name}="${encoded(value)}"`).join(', ')}`;
}

/** Percent-encoding of RFC 3986: `encodeURIComponent` leaves five signs alone. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
