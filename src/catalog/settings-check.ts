import { toPlainFault } from '../kernel/fault.ts';
import type { Issue } from './issues.ts';
import type { StoredVersion } from './versions.ts';
import type { Workshop } from './workshop-client.ts';

/** What plugins' schemas have against settings. Only the workshop can ask a schema, so answers are kept. */
export interface SettingsCheck {
  /** undefined: not asked yet. */
  issuesOf(version: StoredVersion, settings: Record<string, unknown>): readonly Issue[] | undefined;
  /** Asks, unless it is being asked already; `answered` is called then. */
  ask(version: StoredVersion, settings: Record<string, unknown>): void;
  /** Something that was valid in an earlier life of the host. */
  know(plugin: string, id: string, settings: unknown): void;
  /** Lets what could not be asked be asked again. */
  forgetFailed(): void;
  idle(): boolean;
}

export function createSettingsCheck(needs: { workshop: Workshop; folder: string; answered(): void }): SettingsCheck {
  const answers = new Map<string, readonly Issue[]>();
  const failed = new Set<string>();
  const asking = new Set<string>();
  const keyOf = (plugin: string, id: string, text: string) => `${plugin}/${id} ${text}`;

  async function ask(key: string, version: StoredVersion, text: string) {
    asking.add(key);
    try {
      const { folder } = needs;
      const bundle = version.ref.file;
      const answer = await needs.workshop.ask({
        ask: 'inspect',
        bundle,
        folder,
        file: version.entry,
        settings: [text],
      });
      if (!answer.ok) throw new Error(answer.fault.message);
      answers.set(key, answer.issues[0] ?? []);
    } catch (error) {
      failed.add(key);
      const message = `could not be checked: ${toPlainFault(error).message}`;
      answers.set(key, [{ code: 'custom', message, path: [] }]);
    }
    asking.delete(key);
    needs.answered();
  }

  return {
    issuesOf(version, settings) {
      const text = JSON.stringify(settings);
      return text === '{}' ? version.emptyIssues : answers.get(keyOf(version.ref.plugin, version.ref.id, text));
    },
    ask(version, settings) {
      const text = JSON.stringify(settings);
      const key = keyOf(version.ref.plugin, version.ref.id, text);
      if (!asking.has(key)) void ask(key, version, text);
    },
    know: (plugin, id, settings) => void answers.set(keyOf(plugin, id, JSON.stringify(settings)), []),
    forgetFailed() {
      for (const key of failed) answers.delete(key);
      failed.clear();
    },
    idle: () => asking.size === 0,
  };
}
