import { toPlainFault } from '../../kernel/fault.ts';
import type { Builder } from '../builder/client.ts';
import type { StoredVersion } from '../versions/versions.ts';
import type { Issue } from './issues.ts';

/** The problems that plugins' schemas have with settings. The builder alone can ask a schema, so answers are kept. */
export interface SettingsCheck {
  /** The answer of the schema; undefined: not asked yet. The same answer is the same object. */
  issuesOf(version: StoredVersion, settings: Record<string, unknown>): readonly Issue[] | undefined;
  /**
   * Asks the schemas, unless they are being asked already: all settings of a version at once. `answered` is called
   * after that.
   */
  ask(questions: readonly { version: StoredVersion; settings: Record<string, unknown> }[]): void;
  /** Takes settings for valid that were valid in an earlier life of the host. */
  know(plugin: string, id: string, settings: unknown): void;
  /** Lets questions that failed be asked again. */
  forgetFailed(): void;
  idle(): boolean;
}

const VALID: readonly Issue[] = [];

/** Checks without answers; `answered` is called after each answer of the builder. */
export function createSettingsCheck(needs: { builder: Builder; folder: string; answered(): void }): SettingsCheck {
  const answers = new Map<string, readonly Issue[]>();
  const failed = new Set<string>();
  const asking = new Set<string>();
  const keyOf = (plugin: string, id: string, text: string) => `${plugin}/${id} ${text}`;

  async function askVersion(version: StoredVersion, texts: string[]) {
    const keys = texts.map((text) => keyOf(version.ref.plugin, version.ref.id, text));
    for (const key of keys) asking.add(key);
    try {
      const { folder, builder } = needs;
      const { file: bundle, reads = [] } = version.ref;
      const { entry: file } = version;
      const answer = await builder.inspect({ bundle, folder, file, reads, settings: texts });
      if (!answer.ok) throw new Error(answer.fault.message);
      for (const [index, key] of keys.entries()) {
        const issues = answer.issues[index] ?? [];
        answers.set(key, issues.length === 0 ? VALID : issues);
      }
    } catch (error) {
      const message = `could not be checked: ${toPlainFault(error).message}`;
      for (const key of keys) {
        failed.add(key);
        answers.set(key, [{ code: 'custom', message, path: [] }]);
      }
    }
    for (const key of keys) asking.delete(key);
    needs.answered();
  }

  return {
    issuesOf(version, settings) {
      const text = JSON.stringify(settings);
      return text === '{}' ? version.emptyIssues : answers.get(keyOf(version.ref.plugin, version.ref.id, text));
    },
    ask(questions) {
      const byVersion = new Map<StoredVersion, Set<string>>();
      for (const { version, settings } of questions) {
        const text = JSON.stringify(settings);
        if (asking.has(keyOf(version.ref.plugin, version.ref.id, text))) continue;
        byVersion.set(version, (byVersion.get(version) ?? new Set()).add(text));
      }
      for (const [version, texts] of byVersion) void askVersion(version, [...texts]);
    },
    know: (plugin, id, settings) => void answers.set(keyOf(plugin, id, JSON.stringify(settings)), VALID),
    forgetFailed() {
      for (const key of failed) answers.delete(key);
      failed.clear();
    },
    idle: () => asking.size === 0,
  };
}
