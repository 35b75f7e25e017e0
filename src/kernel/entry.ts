/**
 * The compiled file that a process or thread is started from, beside the module that asks (`import.meta.url`). Threads
 * and processes always run plain JavaScript: asked from a source file (tests, tsx), it names that file's place in `dist/`.
 */
export function entryFile(name: string, from: string): URL {
  const beside = new URL(name, from);
  if (!from.endsWith('.ts')) return beside;
  return new URL(beside.href.replace(/\/src\/(?!.*\/src\/)/, '/dist/'));
}
