// Keeps a page up to date, says when it is not, and leads around by keyboard. Reading and acting work without it.
/* global Idiomorph */

const LATE_MS = 15_000;
/** The page loads anew at most once in this time: each time, where a fleet changes each second. */
const REFRESH_MS = 900;
/** Times such as `in 41 s` are never older, whether anything changed or not. */
const OLDEST_MS = 15_000;
const AGAIN_MS = 5_000;
/** The outcome of an act stays for so long. */
const SAID_MS = 12_000;
/** Parts that are replaced by those of the page as it is now. */
const PARTS = ['#main', '.links', '.home', '#pause-all'];

const { zone } = document.documentElement.dataset;
const beat = document.querySelector('#beat');
const stale = document.querySelector('#stale');
let source;
let lastBeat = Date.now();
let isDown = beat?.classList.contains('off') ?? false;
let lastRefresh = Date.now();
let refreshing;
/** Whether the page may have missed a change: an act led here, or the stream was gone. */
let mayBeOld = new URL(location.href).searchParams.has('said');

function clock(at) {
  return new Date(at).toLocaleTimeString('en-GB', { timeZone: zone });
}

function connect() {
  source?.close();
  const follow = document.querySelector('[data-follow]')?.dataset.follow;
  source = new EventSource(follow ? `/live?${follow}` : '/live');
  source.addEventListener('beat', (event) => heard(event, false));
  for (const is of ['change', 'line']) source.addEventListener(is, (event) => heard(event, true));
  source.addEventListener('error', () => {
    mayBeOld = true;
    // A stream that the server ended by itself is opened anew by the browser; one that was refused is not.
    if (source.readyState === EventSource.CLOSED && !document.hidden) setTimeout(connect, AGAIN_MS);
  });
}

function heard({ data }, isChange) {
  const { at, down } = JSON.parse(data);
  const wasLate = stale?.hidden === false;
  lastBeat = Date.now();
  show(at, down);
  if (isChange || wasLate || mayBeOld || down !== isDown || Date.now() - lastRefresh > OLDEST_MS) refresh();
  isDown = down;
  mayBeOld = false;
}

function show(at, down) {
  if (stale) stale.hidden = true;
  document.body.classList.remove('stale');
  if (!beat) return;
  beat.className = down ? 'beat off' : 'beat live';
  beat.querySelector('.word').textContent = down ? 'host silent' : 'live';
  const time = beat.querySelector('time');
  time.dateTime = at;
  time.textContent = clock(at);
}

function checkStale() {
  if (Date.now() - lastBeat < LATE_MS || !stale || !stale.hidden) return;
  stale.querySelector('b').textContent = clock(lastBeat);
  stale.hidden = false;
  document.body.classList.add('stale');
  beat.className = 'beat off';
  beat.querySelector('.word').textContent = 'no data since';
}

/** One at a time. */
function refresh() {
  if (!showFollow() || refreshing || document.hidden) return;
  const wait = Math.max(0, lastRefresh + REFRESH_MS - Date.now());
  refreshing = new Promise((resolve) => setTimeout(resolve, wait))
    .then(load)
    .catch(() => {})
    .finally(() => {
      lastRefresh = Date.now();
      refreshing = undefined;
    });
}

async function load() {
  // Pages that load anew at the same change share a document of that change: this page accepts one that is a second old.
  const answer = await fetch(location.href, { headers: { accept: 'text/html', 'cache-control': 'max-age=1' } });
  // Signed out elsewhere: the page that asks to sign in replaces this one.
  if (answer.status === 401) return location.reload();
  if (!answer.headers.get('content-type')?.startsWith('text/html')) return;
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const ends = [...document.querySelectorAll('.log')].filter(isAtEnd).map(({ ariaLabel }) => ariaLabel);
  for (const part of PARTS) {
    const now = document.querySelector(part);
    const then = next.querySelector(part);
    if (now && then) Idiomorph.morph(now, then, { ignoreActiveValue: true, callbacks: KEEP });
  }
  document.title = next.title;
  showFollow();
  for (const log of document.querySelectorAll('.log'))
    if (ends.includes(log.ariaLabel)) log.scrollTop = log.scrollHeight;
}

/** The page keeps details that a person has opened, text that he has typed or chosen, and boxes that he has ticked. */
const KEEP = {
  beforeAttributeUpdated: (name, node) => !(name === 'open' && node.tagName === 'DETAILS'),
  beforeNodeMorphed(node) {
    if (node.type === 'checkbox') return node.checked === node.defaultChecked;
    if (node.tagName === 'INPUT' || node.tagName === 'TEXTAREA') return node.value === node.defaultValue;
    if (node.tagName === 'SELECT') return [...node.options].every((one) => one.selected === one.defaultSelected);
    return true;
  },
  beforeNodeRemoved: (node) => !(node.contains?.(document.activeElement) && isTyping()),
};

/** Says whether the log is followed; false once a person has scrolled up to read, which stops the page from changing. */
function showFollow() {
  const log = document.querySelector('[data-follow]');
  if (!log) return true;
  const isFollowed = isAtEnd(log);
  document.querySelector('#follow-state').textContent = isFollowed
    ? 'follows the log'
    : 'stopped: scroll to the end to go on';
  return isFollowed;
}

function isTyping() {
  return ['INPUT', 'TEXTAREA', 'SELECT'].includes(document.activeElement?.tagName);
}

function isAtEnd({ scrollTop, clientHeight, scrollHeight }) {
  return scrollTop + clientHeight > scrollHeight - 40;
}

/** `/` searches, `g` and a letter lead to a page, Escape closes what is open. */
let isGo = false;
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') for (const one of document.querySelectorAll('.menu[open]')) one.open = false;
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping()) return;
  if (isGo) document.querySelector(`.links [data-key="${CSS.escape(event.key)}"]`)?.click();
  isGo = event.key === 'g';
  if (event.key !== '/') return;
  event.preventDefault();
  const field = document.querySelector('[data-search]');
  if (field) field.focus();
  else location.href = '/jobs';
});

document.addEventListener('visibilitychange', () => {
  // A page that nobody sees holds no stream of the server.
  if (document.hidden) return source?.close();
  connect();
  refresh();
});

setTimeout(() => {
  const url = new URL(location.href);
  if (!url.searchParams.has('said')) return;
  url.searchParams.delete('said');
  history.replaceState(null, '', url);
  refresh();
}, SAID_MS);

for (const log of document.querySelectorAll('.log')) log.scrollTop = log.scrollHeight;
document.querySelector('[data-follow]')?.addEventListener('scroll', refresh);
showFollow();
if (beat) {
  connect();
  setInterval(checkStale, 1_000);
}
