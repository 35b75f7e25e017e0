import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlainFault } from '../../kernel/fault.ts';
import { bootId, namesIn } from '../../kernel/proc.ts';
import { sha256 } from '../../kernel/sha256.ts';

/**
 * Notes on disk of which files are compiled and loaded now. A note that a host finds when it starts is of a file under which an
 * earlier host died: that content is left alone until it changes, or somebody asks for it.
 */
export interface BuildNotes {
  /** Notes that the content of a file is being built; the returned function takes the note away. */
  begin(file: string, hash: string): () => void;
  /** The fault of a content under which a host died. */
  faultOf(file: string, hash: string): PlainFault | undefined;
  /** Lets each content be built again. */
  forget(): void;
}

interface BuildNote {
  file: string;
  hash: string;
  /** The start of the machine: no file is to blame when the machine itself went down. */
  boot: string;
}

/** `folder`: where the notes lie, of the host alone. */
export function createBuildNotes(folder: string): BuildNotes {
  const boot = bootId() ?? '';
  let suspects: Map<string, string> | undefined;
  const placeOf = (file: string) => join(folder, `${sha256(file).slice(0, 16)}.json`);

  /** Contents by their files, as an earlier host left them; read once, before this host leaves notes of its own. */
  function left(): Map<string, string> {
    if (suspects) return suspects;
    suspects = new Map();
    for (const name of namesIn(folder)) {
      const note = readNote(join(folder, name));
      if (note?.boot === boot) suspects.set(note.file, note.hash);
      else rmSync(join(folder, name), { force: true });
    }
    return suspects;
  }

  return {
    begin(file, hash) {
      left();
      const place = placeOf(file);
      const note: BuildNote = { file, hash, boot };
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        writeFileSync(place, JSON.stringify(note), { mode: 0o600 });
      } catch {
        // A full disk leaves no note: an end of the host now counts against no file.
      }
      return () => rmSync(place, { force: true });
    },
    faultOf(file, hash) {
      if (left().get(file) !== hash) return undefined;
      return {
        code: 'PLUGIN_HOST_DIED',
        message: 'is left out: an earlier host died while this file was compiled and loaded',
        file,
        next: 'change or remove it; if the host was ended by something else, `daruma check` looks at it again',
      };
    },
    forget() {
      for (const file of left().keys()) rmSync(placeOf(file), { force: true });
      suspects = new Map();
    },
  };
}

function readNote(path: string): BuildNote | undefined {
  try {
    const { file, hash, boot } = JSON.parse(readFileSync(path, 'utf8')) as BuildNote;
    return typeof file === 'string' && typeof hash === 'string' ? { file, hash, boot } : undefined;
  } catch {
    return undefined;
  }
}
