// The frame of the page: what is shown where, the keys that work everywhere, the session.
import { logOut, recognize, user } from './lib/api.js';
import { onKeys } from './lib/keys.js';
import { listen, state as live } from './lib/live.js';
import { Icon, Live, Menus, elements } from './lib/parts.js';
import { html, render, useEffect, useState } from './lib/preact.js';
import { chosen, follow, go, path } from './lib/router.js';
import { Blank, Head, later } from './lib/view.js';
import { FindDialog } from './pages/find.js';
import { LoginDialog, LoginPage } from './pages/login.js';
import { Moving } from './pages/moving.js';

const AREAS = [
  ['overview', 'layout-dashboard', 'Overview'], ['hosts', 'server', 'Hosts'], ['networks', 'network', 'Networks'], ['clusters', 'layers', 'Clusters'], ['vms', 'monitor', 'VMs'],
  ['providers', 'cloud', 'Providers'], ['policies', 'sliders-horizontal', 'Policies'], ['rollouts', 'rocket', 'Rollouts'], ['events', 'scroll-text', 'Events'], ['users', 'users', 'Users'],
];
/** What is shown of an area, and of one thing in it. */
const LISTS = {
  overview: later(() => import('./pages/overview.js'), 'Overview'), hosts: later(() => import('./pages/hosts.js'), 'Hosts'), networks: later(() => import('./pages/networks.js'), 'Networks'),
  clusters: later(() => import('./pages/clusters.js'), 'Clusters'), matrix: later(() => import('./pages/matrix.js'), 'Matrix'), vms: later(() => import('./pages/vms.js'), 'Vms'),
  providers: later(() => import('./pages/providers.js'), 'Providers'), policies: later(() => import('./pages/policies.js'), 'Policies'), rollouts: later(() => import('./pages/rollouts.js'), 'Rollouts'),
  events: later(() => import('./pages/events.js'), 'Events'), users: later(() => import('./pages/users.js'), 'Users'),
};
LISTS[''] = LISTS.overview;
const ONES = {
  hosts: later(() => import('./pages/host.js'), 'Host'), networks: later(() => import('./pages/network.js'), 'Network'), clusters: later(() => import('./pages/clusters.js'), 'Cluster'),
  vms: later(() => import('./pages/vm.js'), 'Vm'), providers: later(() => import('./pages/provider.js'), 'Provider'), policies: LISTS.policies, rollouts: later(() => import('./pages/rollouts.js'), 'Rollout'),
  users: later(() => import('./pages/users.js'), 'User'),
};
const Shortcuts = later(() => import('./pages/shortcuts.js'), 'Shortcuts');
const TABS = { hosts: ['topology', 'history', 'drift'], networks: ['clusters', 'hosts', 'vms', 'profiles', 'history'], clusters: ['networks'] };
/** What is shown below another area than its own. */
const BELOW = { matrix: 'clusters' };
const LETTERS = { o: 'overview', n: 'networks', c: 'clusters', h: 'hosts', v: 'vms', p: 'providers', y: 'policies', r: 'rollouts', e: 'events' };
const JUMPS = AREAS.flatMap(([name, , text]) => Object.keys(LETTERS).filter((letter) => LETTERS[letter] === name).map((letter) => [`g ${letter}`, name, text]));

function Page() {
  const [area, id, tab, more] = path.value.split('/');
  const [List, One] = [chosen(LISTS, area), chosen(ONES, area)];
  if (List && id === undefined) return html`<${List}/>`;
  if (One && more === undefined && (tab === undefined || TABS[area]?.includes(tab))) return html`<${One} key=${id} id=${id} tab=${tab}/>`;
  return html`<${Head} title="Nothing here"/><${Blank} title="There is no such page">Go to the <a href="/ui/hosts">hosts</a>.<//>`;
}

const isDark = () => (document.documentElement.dataset.theme ? document.documentElement.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches);

function Top({ help, find }) {
  const [dark, setDark] = useState(isDark());
  const [stuck, setStuck] = useState('');
  const turn = () => {
    localStorage.setItem('netweft.theme', document.documentElement.dataset.theme = dark ? 'light' : 'dark');
    setDark(!dark);
  };
  return html`<header class="top"><a class="brand" href="/ui/overview"><svg viewBox="0 0 24 24" width="22" height="22" fill="none" aria-hidden="true"><path d="M4 8h2.500M10.500 8H20M4 16h9.500M17.500 16H20M8.500 4v9.500M8.500 18v2M15.500 4v2M15.500 10.500V20"/></svg><span>Netweft</span></a>
    <button type="button" class="btn finder" onClick=${find}><${Icon} name="search"/><span>Find</span><kbd>Ctrl K</kbd></button><span class="grow"></span><${Moving}/>
    <span class="livedot" title=${live.value.since ? `Since ${live.value.since.toLocaleTimeString()}` : ''}><i class="dot ${live.value.ok ? 'ok' : 'bad'}"></i><span>${live.value.ok ? 'Live' : 'Not live'}</span></span>
    <button type="button" class="iconbtn" aria-label="Keyboard shortcuts" onClick=${help}><${Icon} name="keyboard"/></button>
    <button type="button" class="iconbtn" aria-label=${dark ? 'Light theme' : 'Dark theme'} onClick=${turn}><${Icon} name=${dark ? 'sun' : 'moon'}/></button>
    <span class="account">${user.value?.user_name}</span><button type="button" class="iconbtn" aria-label="Log out" onClick=${() => logOut().catch((error) => setStuck(error.message))}><${Icon} name="log-out"/></button></header>${stuck && html`<p class="offline" role="alert">${stuck}</p>`}`;
}

/** What is shown stays, and everything can still be asked for, while events do not come. */
const Offline = () => live.value.since && user.value && html`<p class="offline" role="status">Live updates lost at ${live.value.since.toLocaleTimeString()}, trying again.</p>`;

function Rail() {
  const first = path.value.split('/')[0] || 'overview';
  const area = chosen(BELOW, first) ?? first;
  return html`<nav class="rail" aria-label="Main">${AREAS.map(([name, icon, text]) => html`<a key=${name} href=${`/ui/${name}`} aria-current=${area === name ? 'page' : undefined}><${Icon} name=${icon} size=${20}/><span>${text}</span></a>`)}</nav>`;
}

/** To the next or the former of the areas of a page. */
function toArea(step) {
  const goalOf = (one) => (one.tabIndex < 0 && one.id !== 'main' ? elements(one, 'a, button:enabled, input:enabled, [tabindex="0"]').find((each) => each.checkVisibility()) : one);
  const areas = elements(document, 'header.top, nav.rail, main .pane, main:not(:has(.pane))').filter(goalOf);
  const at = areas.findIndex((one) => one.contains(document.activeElement));
  const area = areas.at((at + step + (at < 0 && step < 0 ? 1 : 0)) % areas.length);
  if (area) goalOf(area).focus();
}

function App() {
  const [dialog, open] = useState(''); // keys, find
  const close = () => open('');
  const [wasIn, setWasIn] = useState('');
  useEffect(() => {
    if (user.value && wasIn && user.value.id !== wasIn) { // what is on the screen is somebody else's
      sessionStorage.clear();
      location.reload();
    }
    if (user.value) setWasIn(user.value.id);
  }, [user.value]);
  useEffect(() => onKeys({
    ...Object.fromEntries(['n', 'e'].map((key) => [key, () => elements(document, `[aria-keyshortcuts="${key}"]`)[0]?.click()])),
    '/': () => elements(document, '.find input')[0]?.focus(), '?': () => user.value && open('keys'), 'Ctrl K': () => user.value && open('find'),
    F6: () => toArea(1), 'Shift F6': () => toArea(-1), ...Object.fromEntries(JUMPS.map(([keys, name]) => [keys, () => go(`/ui/${name}`)])),
  }), []);
  if (user.value === undefined) return html`<p class="none" role="status">Loading…</p>`;
  if (user.value === null && !wasIn) return html`<${LoginPage}/>`;
  return html`<a class="skip" href="#main">Skip to content</a><${Top} help=${() => open('keys')} find=${() => open('find')}/><${Rail}/><main id="main" tabindex="-1"><${Page}/><${Menus}/></main><${Offline}/><${Live}/>
    <${LoginDialog} open=${user.value === null}/>
    <${Shortcuts} when=${dialog === 'keys'} open=${dialog === 'keys'} pages=${JUMPS.map(([keys, , text]) => [keys, text])} onClose=${close}/>
    <${FindDialog} open=${dialog === 'find'} pages=${AREAS} onClose=${close}/>`;
}

for (const name of ['theme', 'density']) {
  const stored = localStorage.getItem(`netweft.${name}`);
  if (stored) document.documentElement.dataset[name] = stored;
}
follow();
listen();
render(html`<${App}/>`, /** @type {HTMLElement} */ (document.getElementById('app')));
const [area, id] = path.value.split('/');
chosen(id === undefined ? LISTS : ONES, area)?.begin(); // while it is asked who has logged in
recognize().catch(() => { user.value = null; });
