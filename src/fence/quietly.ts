/** Calls what Node tells everybody is experimental, without that warning: people who run a host cannot do anything about it. */
export function quietly<T>(call: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return call();
  } finally {
    process.emitWarning = emitWarning;
  }
}
