/**
 * The zod that every plugin shares, as a worker gives it: a file of its own, so that no version of a plugin carries one
 * and a worker whose plugin asks for none loads none.
 */
export * from 'zod';
export { default } from 'zod';
