/** The one style sheet of a report: light and dark by the reader's own choice, wide and narrow, on screen and paper. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #faf8f5; --card: #fff; --ink: #1f1c1a; --soft: #6a625c; --line: #e6e0da;
  --done: #3d7f9f; --dead: #c8321f; --skipped: #b9b0a8; --good: #23754b; }
@media (prefers-color-scheme: dark) { :root { --paper: #171513; --card: #211e1c; --ink: #f0ebe6; --soft: #a89e96;
  --line: #38332f; --done: #5b9dbd; --dead: #ff6f5b; --skipped: #6f6760; --good: #6cc596; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 808px; margin: 0 auto; padding: 28px 24px 48px; }
header { display: grid; grid-template-columns: 52px 1fr; gap: 0 16px; align-items: center; }
header svg { width: 52px; height: 52px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0; letter-spacing: -.01em; }
header p { margin: 0; color: var(--soft); font-size: 14px; }
h2 { font-size: 17px; margin: 0 0 4px; }
.lead { font-size: 19px; margin: 20px 0; text-wrap: pretty; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
section { padding: 18px 20px 16px; margin: 0 0 16px; }
section > p { margin: 0 0 14px; color: var(--soft); font-size: 14px; }
svg { display: block; max-width: 100%; height: auto; overflow: visible; }
svg text { font: 12px system-ui, sans-serif; }
.done { fill: var(--done); } .dead { fill: var(--dead); } .skipped { fill: var(--skipped); } .target { fill: transparent; }
.tick { fill: var(--soft); font-variant-numeric: tabular-nums; } .name { fill: var(--ink); }
.grid { stroke: var(--line); } .axis { stroke: var(--skipped); } g:hover > .target { fill: var(--line); fill-opacity: .6; }
.key { display: flex; gap: 18px; list-style: none; margin: 12px 0 0; padding: 0; font-size: 13px; color: var(--soft); }
.key svg { display: inline; width: 11px; height: 11px; margin-right: 6px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 7px 0 7px 14px; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 500; } tbody th { color: var(--ink); font-weight: 600; }
th:first-child, td:first-child, .left { text-align: left; } th:first-child { padding-left: 0; }
tbody tr:last-child > * { border-bottom: 0; }
.bad { color: var(--dead); font-weight: 600; } .fine { color: var(--good); } .quiet { color: var(--soft); }
.needs { border-color: var(--dead); border-width: 2px; } .needs h2 { color: var(--dead); }
.list, .agents { list-style: none; margin: 8px 0 0; padding: 0; }
.list li, .agents li { padding: 10px 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.list li:first-child, .agents li:first-child { border-top: 0; }
.list p { margin: 2px 0; } time { color: var(--soft); font-variant-numeric: tabular-nums; }
code { font: 13px/1.45 ui-monospace, monospace; color: var(--soft); }
.needs code { display: inline-block; color: var(--ink); background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: 2px 8px; }
.agents li { display: grid; grid-template-columns: 1fr 156px; gap: 6px 16px; align-items: center; }
.agents p { margin: 0; } .strip { justify-self: end; }
dl { display: grid; grid-template-columns: 56px 64px 1.3fr 1fr 1fr 72px; gap: 4px 16px; margin: 0; grid-column: 1 / -1; font-size: 14px; font-variant-numeric: tabular-nums; }
dt { color: var(--soft); font-size: 12px; line-height: 1.3; } dd { margin: 0; }
details { margin-top: 12px; font-size: 14px; } summary { color: var(--soft); cursor: pointer; width: fit-content; }
footer { color: var(--soft); font-size: 13px; } a { color: inherit; }
.narrow { display: none; }
@media (max-width: 640px) {
  main { padding: 20px 14px 32px; } h1 { font-size: 21px; } .lead { font-size: 17px; margin: 16px 0; }
  section { padding: 16px 14px 14px; } .agents li { grid-template-columns: 1fr; } .strip { justify-self: start; }
  dl { grid-template-columns: 1fr 1fr; gap: 6px 16px; }
  .wide { display: none; } .narrow { display: block; } .narrow svg { width: 100%; }
}
@media print { section, .agents li { break-inside: avoid; } details { display: none; } }
`;
