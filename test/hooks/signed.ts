import { createHmac } from 'node:crypto';

const hex = (secret: string, text: string) => createHmac('sha256', secret).update(text).digest('hex');

/** The headers with which GitHub, Stripe, Slack and a plain program sign a body. */
export const signed = {
  github: (secret: string, body: string, delivery: string, event = 'issues') => ({
    'content-type': 'application/json',
    'x-github-event': event,
    'x-github-delivery': delivery,
    'x-hub-signature-256': `sha256=${hex(secret, body)}`,
  }),
  stripe: (secret: string, body: string, at = Date.now()) => {
    const seconds = Math.floor(at / 1_000);
    return {
      'content-type': 'application/json; charset=utf-8',
      'stripe-signature': `t=${seconds},v1=${hex(secret, `${seconds}.${body}`)},v0=0`,
    };
  },
  slack: (secret: string, body: string, type = 'application/json', at = Date.now()) => {
    const seconds = String(Math.floor(at / 1_000));
    return {
      'content-type': type,
      'x-slack-request-timestamp': seconds,
      'x-slack-signature': `v0=${hex(secret, `v0:${seconds}:${body}`)}`,
    };
  },
  bearer: (secret: string, id?: string) => ({
    'content-type': 'application/json',
    authorization: `Bearer ${secret}`,
    ...(id === undefined ? {} : { 'idempotency-key': id }),
  }),
};

/** The body of a delivery as GitHub sends it when an issue is opened, in its parts that matter. */
export const opened = (number: number) =>
  JSON.stringify({
    action: 'opened',
    issue: {
      id: 2_951_118_334,
      number,
      html_url: `https://github.com/octo-org/shop/issues/${number}`,
      title: `The page is blank – “Ünïcode” ${number} 🎏`,
      state: 'open',
      user: { login: 'octo-reader', id: 583_231, type: 'User' },
      labels: [],
      body: 'Steps:\r\n1. open the page\r\n2. nothing',
      created_at: '2026-11-21T07:14:02Z',
    },
    repository: { id: 716_402_118, full_name: 'octo-org/shop', private: false, default_branch: 'main' },
    sender: { login: 'octo-reader', id: 583_231 },
  });
