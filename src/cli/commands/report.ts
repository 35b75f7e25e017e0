import { writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import { Fault, toPlainFault, usage } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import { formatSize } from '../../kernel/units.ts';
import { timeOf, wordOf } from '../given.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { htmlReport, markdownReport, terminalReport } from '../report/layouts.ts';
import { reportText } from '../report/sections.ts';

interface ReportOptions {
  since?: string;
  html?: boolean;
  markdown?: boolean;
  out?: string;
}

const PERIODS = ['daily', 'weekly'] as const;
const DAYS = { daily: 1, weekly: 7 } as const;

/** The runs of agents in a period beside the one before it; on the terminal, or as a file of HTML, Markdown or JSON. */
export async function reportCommand(
  stage: Stage,
  [period]: Words,
  options: ReportOptions,
): Promise<CommandResult | number> {
  const { value, down } = await stage.askAnyway('report', periodOf(stage, period, options.since));
  const code = down ? 4 : 0;
  const text = reportText(value, stage.clock);
  const layout = layoutOf(stage, options);
  if (layout === 'json') {
    if (options.out === undefined) return { json: value, lines: [], code };
    return { ...written(options.out, `${JSON.stringify(value, null, 2)}\n`, stage), json: value, code };
  }
  const lines =
    layout === 'html' ? htmlReport(text) : layout === 'markdown' ? markdownReport(text) : terminalReport(text, stage);
  if (options.out !== undefined) return { ...written(options.out, `${lines.join('\n')}\n`, stage), json: value, code };
  if (layout === 'terminal') return { json: value, lines, code };
  for (const line of lines) stage.out(line, true);
  return code;
}

/** Whole days of this terminal's time zone before today; the last 24 hours when nothing is said. */
function periodOf({ clock }: Stage, period: string | undefined, since: string | undefined) {
  if (since !== undefined) {
    if (period !== undefined) throw usage(`${period} and --since are two periods`, 'daruma report --since 7d');
    return { from: isoOf(timeOf(since, clock, { option: '--since', command: 'report' })), to: isoOf(clock.now) };
  }
  if (period === undefined) return {};
  const days = DAYS[wordOf(period, PERIODS, 'period', 'daruma report')];
  const today = Temporal.Instant.fromEpochMilliseconds(clock.now).toZonedDateTimeISO(clock.zone).startOfDay();
  return { from: isoOf(today.subtract({ days }).epochMilliseconds), to: isoOf(today.epochMilliseconds) };
}

type Layout = 'terminal' | 'html' | 'markdown' | 'json';
const BY_ENDING: Readonly<Record<string, Layout>> = { '.html': 'html', '.md': 'markdown', '.json': 'json' };

function layoutOf({ json }: Stage, { html, markdown, out }: ReportOptions): Layout {
  if (html && markdown) throw usage('--html and --markdown are two forms', 'daruma report --html --out report.html');
  if (html) return 'html';
  if (markdown) return 'markdown';
  if (json) return 'json';
  return out === undefined ? 'terminal' : (BY_ENDING[extname(out)] ?? 'markdown');
}

/** Writes a file, over one that is there. */
function written(file: string, text: string, { paint }: Stage): { lines: string[] } {
  try {
    writeFileSync(file, text);
  } catch (thrown) {
    const { code, message } = toPlainFault(thrown);
    throw new Fault({ code, message: `cannot write ${file}: ${message}`, next: 'daruma report --out report.html' });
  }
  return { lines: [`${paint('green', '✓')} ${file}  ${formatSize(Buffer.byteLength(text))}`] };
}
