import type { SpendRow, SpendStore } from '../../gateway/models/spend.ts';
import { dayAfter, zonedDay } from '../../kernel/day.ts';
import { HOUR_MS } from '../../kernel/measures.ts';
import { dollarsOf } from '../../kernel/money.ts';
import type { Time } from '../../kernel/time.ts';
import type { BillsView, BillView } from '../../operations/results/bill.ts';
import type { Ops } from '../../operations/table.ts';
import type { AgentUsage, UsageStore } from '../../telemetry/ports.ts';

export interface BillNeeds {
  time: Time;
  store: Pick<SpendStore, 'spendRows'> & Pick<UsageStore, 'usageRows'>;
  /** The zone whose days are billed. */
  timezone(): string;
}

type Line = BillView['today'];

/** The rows of one agent in the month. */
interface Rows {
  spend: SpendRow[];
  usage: AgentUsage[];
}

/** Sooner after the begin of the first day nobody can say what the month will cost. */
const LEAST_MS = HOUR_MS;

/** The operation that reads what agents cost, whether the host runs or not. */
export function billLookup(needs: BillNeeds) {
  return { bills: (args: Ops['bills']['read']) => billsOf(needs, args) };
}

/** The bills of the month in which now lies; `agent`: only that one, and without a row it has an empty bill. */
export async function billsOf(
  { time, store, timezone }: BillNeeds,
  { agent, days = false }: { agent?: string | undefined; days?: boolean },
): Promise<BillsView> {
  const [now, zone] = [time.now(), timezone()];
  const { day } = zonedDay(now, zone);
  const { month, first, last } = monthOf(day);
  const filter = { from: first, to: last, ...(agent === undefined ? {} : { agent }) };
  const [spend, usage] = await Promise.all([store.spendRows(filter), store.usageRows(filter)]);
  const spendOf = Map.groupBy(spend, (row) => row.agent);
  const usageOf = Map.groupBy(usage, (row) => row.agent);
  const names = new Set([...spendOf.keys(), ...usageOf.keys(), ...(agent === undefined ? [] : [agent])]);
  const terms = { day, zone, now, last };
  const agents = [...names].map((name): BillView => {
    const rows = { spend: spendOf.get(name) ?? [], usage: usageOf.get(name) ?? [] };
    return { agent: name, ...billOf(rows, terms), ...(days && { days: daysOf(rows) }) };
  });
  const total = billOf({ spend, usage }, terms);
  return { day, month, timezone: zone, agents: agents.sort(dearestFirst), total };
}

interface BillTerms {
  day: string;
  zone: string;
  now: number;
  /** The last day of the month. */
  last: string;
}

function billOf(rows: Rows, terms: BillTerms): Pick<BillView, 'today' | 'month' | 'forecast'> {
  const month = lineOf(rows);
  return { today: lineOf(onDay(rows, terms.day)), month, forecast: forecastOf(rows, month.money, terms) };
}

/** As much for each hour that is left as for those since the first day with a figure. */
function forecastOf({ spend, usage }: Rows, money: number, { zone, now, last }: BillTerms): number | null {
  const first = [...spend, ...usage].map(({ day }) => day).sort()[0];
  if (first === undefined) return null;
  const sinceMs = now - startOf(first, zone);
  if (sinceMs < LEAST_MS) return null;
  const leftMs = startOf(dayAfter(last, 1), zone) - now;
  return Math.round(money * (1 + leftMs / sinceMs) * 1e6) / 1e6;
}

const startOf = (day: string, zone: string) => Temporal.PlainDate.from(day).toZonedDateTime(zone).epochMilliseconds;

function daysOf(rows: Rows): NonNullable<BillView['days']> {
  const days = new Set([...rows.spend, ...rows.usage].map(({ day }) => day));
  return [...days].sort().map((day) => ({ day, ...lineOf(onDay(rows, day)) }));
}

function onDay({ spend, usage }: Rows, day: string): Rows {
  return { spend: spend.filter((row) => row.day === day), usage: usage.filter((row) => row.day === day) };
}

function lineOf({ spend, usage }: Rows): Line {
  const of = (part: Exclude<keyof SpendRow, 'day' | 'agent' | 'rung'>) =>
    spend.reduce((sum, row) => sum + row[part], 0);
  const used = (part: Exclude<keyof AgentUsage, 'day' | 'agent'>) => usage.reduce((sum, row) => sum + row[part], 0);
  const unknown = spend.filter(({ rung }) => rung === '').reduce((sum, { micros }) => sum + micros, 0);
  return {
    calls: of('calls'),
    failedTries: of('failedTries'),
    promptTokens: of('promptTokens'),
    completionTokens: of('completionTokens'),
    money: dollarsOf(of('micros')),
    unpricedTokens: of('unpricedTokens'),
    unknownMoney: dollarsOf(unknown),
    heapMbHours: mbHours(used('heapKbs')),
    nativeMbHours: mbHours(used('nativeKbs')),
    childrenMbHours: mbHours(used('childrenKbs')),
    cpuSeconds: Math.round(used('cpuMs') / 100) / 10,
    diskBytes: newestDisk(usage),
  };
}

const mbHours = (kbs: number) => Math.round((kbs / 1024 / 3_600) * 100) / 100;

/** The sum over agents of what was last measured of each. */
function newestDisk(usage: readonly AgentUsage[]): number {
  const measured = usage.filter(({ diskBytes }) => diskBytes > 0).sort((a, b) => (a.day < b.day ? -1 : 1));
  const newest = new Map(measured.map(({ agent, diskBytes }) => [agent, diskBytes]));
  return [...newest.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function dearestFirst(a: BillView, b: BillView): number {
  const memory = ({ month }: BillView) => month.heapMbHours + month.nativeMbHours + month.childrenMbHours;
  return b.month.money - a.month.money || memory(b) - memory(a) || (a.agent < b.agent ? -1 : 1);
}

/** The month of a day, as `2026-11`, and its first and last day. */
function monthOf(day: string): { month: string; first: string; last: string } {
  const date = Temporal.PlainDate.from(day);
  const [first, last] = [date.with({ day: 1 }), date.with({ day: date.daysInMonth })];
  return { month: first.toPlainYearMonth().toString(), first: first.toString(), last: last.toString() };
}
