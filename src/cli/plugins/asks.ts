import type { PluginAsks } from '../../control/protocol.ts';
import type { Stage } from '../ports.ts';
import { type Facts, factLines } from '../text/width.ts';

/** The needs of a plugin, in lines for people: each right that it would have, when it runs, and the settings that it has. */
export function asksLines(name: string, asks: PluginAsks, { paint, width }: Pick<Stage, 'paint' | 'width'>): string[] {
  const { needs } = asks;
  const listed = (list: readonly string[] | undefined) => (list?.length ? list.join(', ') : 'none');
  const facts: Facts = [
    ['about', asks.about],
    [
      'runs',
      [...(asks.schedule ? [asks.schedule] : []), ...asks.starts].join(', ') || 'when it is sent a job, or asked to',
    ],
    ['net', listed(needs.net)],
    ['secrets', listed(needs.secrets)],
    ['env', listed(needs.env)],
    ['may write', listed(needs.write)],
    ['may read', listed([...(needs.read ?? []), ...(needs.fleet ? ['the figures of all agents (fleet)'] : [])])],
    ['commands', listed(needs.exec?.map(commandWords))],
    ['models', needs.llm ? modelWords(needs.llm) : 'none'],
    ['processes', needs.kill?.length ? `may be ended: ${needs.kill.join(', ')}` : null],
    ['modules', needs.modules?.length ? `${needs.modules.join(', ')}, which writes past all rights` : null],
    ['packages', asks.packages.length > 0 ? asks.packages.join(', ') : null],
    ['memory', asks.memory],
    ['settings', asks.settings.map(settingWords).join(', ') || 'none'],
  ];
  return [paint('bold', name), ...factLines(facts, width)];
}

function settingWords({ name, mustBeSet }: PluginAsks['settings'][number]): string {
  return mustBeSet ? `${name} (has to be set)` : name;
}

function commandWords(entry: string): string {
  if (!entry.startsWith('{')) return `${entry} with any arguments`;
  const { command, args } = JSON.parse(entry) as { command: string; args: string[] };
  return [command, ...args].join(' ');
}

function modelWords(llm: NonNullable<PluginAsks['needs']['llm']>): string {
  if (llm === true) return 'as many calls as the installation allows';
  const most = Object.entries(llm).map(([what, count]) => `${count} ${what}`);
  return most.length > 0 ? `at most ${most.join(', ')} a day` : 'as many calls as the installation allows';
}
