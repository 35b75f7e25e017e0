import { formatMoney, microsOf } from '../../kernel/money.ts';
import { formatDuration, formatSize } from '../../kernel/units.ts';
import type { BillView } from '../../operations/results/bill.ts';

type BillLine = BillView['today'];

/** `12 calls · 3,410 tokens · $0.0042 · 12.4 MB·h memory · 3.2s processor`; what is nothing is left out. */
export function billWords(line: BillLine): string {
  const parts = [
    line.calls > 0 && `${many(line.calls, 'call')} · ${many(tokensOf(line), 'token')} · ${moneyWords(line)}`,
    `${memoryHours(line)} memory`,
    `${processorWords(line)} processor`,
    line.diskBytes > 0 && `${formatSize(line.diskBytes)} disk`,
  ];
  return parts.filter(Boolean).join(' · ');
}

/** The bill of a month, with its forecast where there is one. */
export function monthWords({ month, forecast }: BillView): string {
  const money = forecast === null || month.money === 0 ? '' : ` (forecast ${dollarWords(forecast)})`;
  return `${billWords(month)}${money}`;
}

/** `$0.42`; `$0.42, 1,200 tokens without a price` and `$0.42, of which $0.01 may not have been spent` where that is so. */
export function moneyWords({ money, unpricedTokens, unknownMoney }: BillLine): string {
  const unpriced = unpricedTokens > 0 ? `, ${many(unpricedTokens, 'token')} without a price` : '';
  const unknown = unknownMoney > 0 ? `, of which ${dollarWords(unknownMoney)} may not have been spent` : '';
  return `${dollarWords(money)}${unpriced}${unknown}`;
}

export const dollarWords = (dollars: number): string => formatMoney(microsOf(dollars));

export const tokensOf = ({ promptTokens, completionTokens }: BillLine): number => promptTokens + completionTokens;

/** Megabytes × hours: `12.4 MB·h`. */
export function memoryHours({ heapMbHours, nativeMbHours, childrenMbHours }: BillLine): string {
  const sum = heapMbHours + nativeMbHours + childrenMbHours;
  return `${sum < 100 ? sum.toFixed(1) : Math.round(sum).toLocaleString('en')} MB·h`;
}

export const processorWords = ({ cpuSeconds }: BillLine): string => formatDuration(cpuSeconds * 1_000);

function many(count: number, one: string): string {
  return `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`;
}
