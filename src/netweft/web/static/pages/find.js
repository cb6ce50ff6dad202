// Finding anything from anywhere: pages, and things of all kinds by a part of their name, address or MAC.
import { OWN, get } from '../lib/api.js';
import { addressOf } from '../lib/links.js';
import { Dialog, Icon } from '../lib/parts.js';
import { html, useEffect, useRef, useState } from '../lib/preact.js';
import { go } from '../lib/router.js';
import { Refused } from '../lib/view.js';
/** @import {Failure} from '../model/types.d.ts' */

const MAX = 12;
const PAUSE = 120;
const KINDS = {
  page: ['arrow-right', 'Page'], host: ['server', 'Host'], network: ['network', 'Network'], cluster: ['layers', 'Cluster'], vm: ['monitor', 'VM'], vnic: ['ethernet-port', 'vNIC'],
  vnic_profile: ['cable', 'vNIC profile'], subnet: ['network', 'Subnet'], qos: ['zap', 'QoS'], mac_pool: ['database', 'MAC pool'], provider: ['cloud', 'Provider'], rollout: ['rocket', 'Rollout'],
};

/** `pages`: [name, icon, title] of all that there are. */
export function FindDialog({ open, pages, onClose }) {
  return html`<${Dialog} open=${open} title="Find" onClose=${onClose}><${Search} pages=${pages} onClose=${onClose}/><//>`;
}

function Search({ pages, onClose }) {
  const [words, setWords] = useState('');
  const [{ things, error, of }, set] = useState(/** @type {{ things: { kind: string, id: string, name: string, parent: string, context: string }[], error?: Failure, of?: string }} */ ({ things: [] }));
  const [at, setAt] = useState(0);
  /** @type {{ current: HTMLElement }} */
  const list = useRef();
  useEffect(() => {
    const query = words.trim();
    let isLast = true;
    const due = setTimeout(() => (query ? get(`${OWN}/find`, { q: query, max: MAX }) : Promise.resolve([]))
      .then((found) => isLast && set({ things: found, of: query }), (refusal) => isLast && set({ things: [], error: refusal, of: query })), PAUSE);
    return () => { isLast = false; clearTimeout(due); };
  }, [words]);
  useEffect(() => list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' }), [at]);
  const all = [...pagesOf(pages, words), ...things.map((one) => ({ ...one, href: addressOf(one) }))];
  const here = Math.min(at, all.length - 1);
  const open = (one) => { onClose(); go(one.href); };
  const press = (event) => {
    const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined && all.length) { event.preventDefault(); setAt((to + all.length) % all.length); }
    if (event.key === 'Enter' && all[here]) { event.preventDefault(); open(all[here]); }
  };
  return html`<div class="stack"><label class="find"><${Icon} name="search"/><input type="text" role="combobox" aria-expanded=${all.length > 0} aria-controls="found" aria-autocomplete="list" aria-activedescendant=${all[here] ? `found-${here}` : undefined}
      aria-label="Name, address, MAC or VLAN" placeholder="Name, address, MAC or VLAN" autocomplete="off" spellcheck=${false} autofocus value=${words} onInput=${(event) => { setAt(0); setWords(event.currentTarget.value); }} onKeyDown=${press}/></label>
    ${error && html`<${Refused} error=${error}/>`}
    <ul ref=${list} id="found" role="listbox" aria-label="Found" class="found">${all.map((one, n) => html`<li key=${one.href + one.name} id=${`found-${n}`} role="option" aria-selected=${n === here} onClick=${() => open(one)}>
      <${Icon} name=${KINDS[one.kind][0]}/><span><b>${one.kind === 'rollout' ? `Rollout ${one.name}` : one.name}</b> <span class="quiet">${one.context}</span></span><span class="tag">${KINDS[one.kind][1]}</span></li>`)}</ul>
    <p class="quiet" role="status">${statusOf(words.trim(), of, all.length)}</p></div>`;
}

function statusOf(query, found, count) {
  if (!query) return 'Arrow keys choose, Enter opens.';
  if (query !== found) return 'Looking…';
  return count ? `${count} found` : `Nothing matches “${query}”.`;
}

function pagesOf(pages, words) {
  const query = words.trim().toLowerCase();
  return pages.filter(([, , title]) => title.toLowerCase().startsWith(query)).map(([name, , title]) => ({ kind: 'page', name: title, context: '', href: `/ui/${name}` }));
}
