/** The part of `pg` that pools use, in a bundle of its own: a plugin that asks no query loads none of it. */
export { default as Client } from 'pg/lib/client';
export { default as Connection } from 'pg/lib/connection';
