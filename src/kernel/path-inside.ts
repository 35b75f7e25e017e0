import { isAbsolute, relative, sep } from 'node:path';

/** A path as people see it: relative to `folder` where the file is inside it, else absolute; always with forward slashes. */
export function pathInside(folder: string, file: string): string {
  const path = relative(folder, file);
  const isInside = path !== '' && !path.startsWith(`..${sep}`) && path !== '..' && !isAbsolute(path);
  return (isInside ? path : file).split(sep).join('/');
}
