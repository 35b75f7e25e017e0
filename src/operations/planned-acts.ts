/** Acts that an assistant may plan and apply. Acts that are not here need a person: they end the host, overwrite what is kept, or run code with open rights. */
export const PLANNED_ACTS = [
  'run',
  'cancel',
  'pause',
  'resume',
  'restart',
  'rollback',
  'replay',
  'drop',
  'ack',
] as const;

/** The name of an act that can be planned. */
export type PlannedAct = (typeof PLANNED_ACTS)[number];
