// The frame of the page: what is shown where, the keys that work everywhere, the session.
import { logOut, recognize, user } from './lib/api.js';
import { listen, state as live } from './lib/live.js';
import { Dialog, Icon, Live, Menus } from './lib/parts.js';
import { html, render, useEffect, useState } from './lib/preact.js';
import { follow, path } from './lib/router.js';
import { Blank, Head } from './lib/view.js';
import { Events } from './pages/events.js';
import { Host } from './pages/host.js';
import { Hosts } from './pages/hosts.js';
import { LoginDialog, LoginPage } from './pages/login.js';
import { Network, Networks } from './pages/networks.js';
import { Rollout, Rollouts } from './pages/rollouts.js';

const AREAS = [['hosts', 'server', 'Hosts'], ['networks', 'network', 'Networks'], ['rollouts', 'rocket', 'Rollouts'], ['events', 'scroll-text', 'Events']];
const LISTS = { '': Hosts, hosts: Hosts, networks: Networks, rollouts: Rollouts, events: Events };
const ONES = { hosts: Host, networks: Network, rollouts: Rollout };
const KEYS = [
  ['Tab', 'Next area: uplinks, networks, changes'], ['↑ ↓ ← →', 'Move inside an area'], ['Enter', 'Pick up a network or a NIC'], ['Space', 'Pick up one more network'],
  ['1 … 9', 'Place it there'], ['Esc', 'Put back'], ['Delete', 'Take a network off the host'], ['e', 'Edit a network on the host'], ['/', 'Filter'], ['Ctrl Z', 'Undo'], ['Ctrl Shift Z', 'Redo'], ['Ctrl Enter', 'Apply'], ['?', 'This list'],
];

function Page() {
  const [area, id, more] = path.value.split('/');
  const [List, One] = [LISTS[area], ONES[area]];
  if (List && id === undefined) return html`<${List}/>`;
  if (One && more === undefined) return html`<${One} key=${id} id=${decodeURIComponent(id)}/>`;
  return html`<${Head} title="Nothing here"/><${Blank} title="There is no such page">Go to the <a href="/ui/hosts">hosts</a>.<//>`;
}

const isDark = () => (document.documentElement.dataset.theme ? document.documentElement.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches);

function Top({ help }) {
  const [dark, setDark] = useState(isDark());
  const turn = () => {
    localStorage.setItem('netweft.theme', document.documentElement.dataset.theme = dark ? 'light' : 'dark');
    setDark(!dark);
  };
  return html`<header class="top"><a class="brand" href="/ui/hosts"><svg viewBox="0 0 24 24" width="22" height="22" fill="none" aria-hidden="true"><path d="M4 8h2.500M10.500 8H20M4 16h9.500M17.500 16H20M8.500 4v9.500M8.500 18v2M15.500 4v2M15.500 10.500V20"/></svg><span>Netweft</span></a><span class="grow"></span>
    <span class="livedot" title=${live.value.since ? `Since ${live.value.since.toLocaleTimeString()}` : ''}><i class="dot ${live.value.ok ? 'ok' : 'bad'}"></i><span>${live.value.ok ? 'Live' : 'Not live'}</span></span>
    <button type="button" class="iconbtn" aria-label="Keyboard shortcuts" onClick=${help}><${Icon} name="keyboard"/></button>
    <button type="button" class="iconbtn" aria-label=${dark ? 'Light theme' : 'Dark theme'} onClick=${turn}><${Icon} name=${dark ? 'sun' : 'moon'}/></button>
    <span class="account">${user.value?.user_name}</span><button type="button" class="iconbtn" aria-label="Log out" onClick=${logOut}><${Icon} name="log-out"/></button></header>`;
}

/** What is shown stays, and everything can still be asked for, while events do not come. */
const Offline = () => live.value.since && user.value && html`<p class="offline" role="status">Live updates lost at ${live.value.since.toLocaleTimeString()}, trying again.</p>`;

function Rail() {
  const area = path.value.split('/')[0] || 'hosts';
  return html`<nav class="rail" aria-label="Main">${AREAS.map(([name, icon, text]) => html`<a key=${name} href=${`/ui/${name}`} aria-current=${area === name ? 'page' : undefined}><${Icon} name=${icon} size=${20}/><span>${text}</span></a>`)}</nav>`;
}

function App() {
  const [help, setHelp] = useState(false);
  const [wasIn, setWasIn] = useState(null);
  useEffect(() => {
    if (user.value && wasIn && user.value.id !== wasIn) { // what is on the screen is somebody else's
      sessionStorage.clear();
      location.reload();
    }
    if (user.value) setWasIn(user.value.id);
  }, [user.value]);
  useEffect(() => {
    const press = (event) => {
      if (event.target.matches('input, select, textarea') || event.ctrlKey || event.metaKey || document.querySelector('dialog[open]')) return;
      if (event.key === '/') { event.preventDefault(); document.querySelector('.find input')?.focus(); }
      if (event.key === '?') setHelp(true);
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
  if (user.value === undefined) return html`<p class="none" role="status">Loading…</p>`;
  if (user.value === null && !wasIn) return html`<${LoginPage}/>`;
  return html`<a class="skip" href="#main">Skip to content</a><${Top} help=${() => setHelp(true)}/><${Rail}/><main id="main" tabindex="-1"><${Page}/><${Menus}/></main><${Offline}/><${Live}/>
    <${LoginDialog} open=${user.value === null}/>
    <${Dialog} open=${help} title="Keyboard" onClose=${() => setHelp(false)}><dl class="keys">${KEYS.map(([keys, text]) => html`<div key=${keys}><dt>${keys.split(' ').map((one) => html`<kbd key=${one}>${one}</kbd>`)}</dt><dd>${text}</dd></div>`)}</dl><//>`;
}

const theme = localStorage.getItem('netweft.theme');
if (theme) document.documentElement.dataset.theme = theme;
follow();
listen();
render(html`<${App}/>`, document.getElementById('app'));
recognize().catch(() => { user.value = null; });
