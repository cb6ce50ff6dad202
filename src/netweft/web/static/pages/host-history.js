// The history of a host: changes, their users and outcomes; comparing two setups; restoring an earlier one.
import { OWN, get } from '../lib/api.js';
import { HostChange } from '../lib/host-change.js';
import { Act, Icon } from '../lib/parts.js';
import { html, useState } from '../lib/preact.js';
import { filter, query } from '../lib/router.js';
import { command } from '../lib/same.js';
import { Blank, Find, Moment, State, Table, View, useData } from '../lib/view.js';
/** @import {Loaded} from '../model/types.d.ts' */

const MAX = 100;
const STATES = { applied: ['ok', 'kept'], refused: ['bad', 'not kept'], pending: ['busy', 'under way'] };

const Changes = ({ lines }) => (lines.length ? html`<ul class="lines">${lines.map((line) => html`<li key=${line}>${line}</li>`)}</ul>` : html`<span class="quiet">none</span>`);

const columnsOf = (picked, pick) => [
  ['Compare', (one) => html`<label class="tick"><input type="checkbox" checked=${picked.includes(one.generation)} onChange=${() => pick(one.generation)}/><span class="sr">Generation </span>${one.generation}</label>`],
  ['When', (one) => html`<${Moment} at=${one.created_at}/>`],
  ['Who', (one) => one.user ?? 'the engine'],
  ['Result', (one) => html`<${State} kind=${STATES[one.state][0]}>${STATES[one.state][1]}<//>`],
  ['Why', (one) => html`<span class="wrap">${one.reason}</span>`],
  ['What has changed', (one) => html`<${Changes} lines=${one.changes}/>${one.error && html`<p class="bad-t wrap">${one.error}</p>`}`],
];

const fits = (words) => (one) => `${one.generation} ${one.user ?? 'the engine'} ${one.reason} ${one.state} ${one.changes.join(' ')}`.toLowerCase().includes(words.toLowerCase());

/** The generations that the address names, the older first. */
const pickedNow = () => ['from', 'to'].map((name) => Number(query.value.get(name))).filter(Boolean).sort((a, b) => a - b);

/** Pick a generation, or put it back; a third one takes the place of the older. */
function pick(generation) {
  const was = pickedNow();
  const [from, to] = (was.includes(generation) ? was.filter((one) => one !== generation) : [...was.slice(-1), generation]).sort((a, b) => a - b);
  filter('from', from && String(from));
  filter('to', to && String(to));
}

export function HostHistory({ host, reload }) {
  const words = query.value.get('search') ?? '';
  const before = query.value.get('before') ?? '';
  const picked = pickedNow();
  const [restoring, restore] = useState(null);
  const found = useData(() => get(`${OWN}/hosts/${host.id}/history`, { max: MAX, before }), [host.id, before]);
  const clear = html`<button type="button" class="btn" onClick=${() => { filter('search', ''); filter('before', ''); }}>Clear the filter</button>`;
  const empty = (title) => (words || before ? html`<${Blank} title="No change matches">${clear}<//>` : html`<${Blank} title=${title}>Each change of the host's networks is kept here: what was requested, by whom, and how it ended.<//>`);
  return html`<div class="page"><${View} of=${found} empty=${(all) => !all.length && empty('Nothing was changed yet')}>${(all) => {
    const rows = all.filter(fits(words)).map((one) => ({ ...one, id: one.generation }));
    return html`<div class="bar"><${Find} label="Words of a change" value=${words} onChange=${(text) => filter('search', text)}/>
        <span class="quiet">Pick one to see what differs from now, two to see what differs between them.</span></div>
      ${picked.length > 0 && html`<${Picked} key=${picked.join()} host=${host} picked=${picked} restore=${restore}/>`}
      ${rows.length ? html`<${Table} label="History" columns=${columnsOf(picked, pick)} rows=${rows}/>` : empty()}
      <div class="bar">${before && html`<button type="button" class="btn" onClick=${() => filter('before', '')}>Newest</button>`}
        ${all.length === MAX && html`<button type="button" class="btn" onClick=${() => filter('before', all.at(-1).created_at)}>Older</button>`}</div>`;
  }}<//>
    ${restoring && html`<${Restore} key=${restoring} host=${host} generation=${restoring} onClose=${() => restore(null)} onDone=${() => { reload(); found.reload(); }}/>`}</div>`;
}

/** What differs between two generations, or between one and now; and what there is to do with one. */
function Picked({ host, picked: [from, to], restore }) {
  const found = useData(() => get(`${OWN}/hosts/${host.id}/history/${from}/difference`, { other: to }), [from, to]);
  const title = to ? `From generation ${from} to ${to}` : `From generation ${from} to now`;
  return html`<section class="card form" aria-labelledby="h-picked"><div class="bar"><h2 id="h-picked">${title}</h2><span class="grow"></span>
      ${[from, to].filter(Boolean).map((one) => html`<${Act} right="configure_host_network" key=${one} class="btn" onClick=${() => restore(one)}><${Icon} name="rotate-ccw"/>Restore ${one}…<//>`)}
      <button type="button" class="iconbtn" aria-label="Close" onClick=${() => { filter('from', ''); filter('to', ''); }}><${Icon} name="x"/></button></div>
    <${View} of=${found} empty=${(data) => !data.changes.length && html`<p class="fine"><${Icon} name="check" size=${14}/>Nothing differs.</p>`}>${(data) => html`<${Changes} lines=${data.changes}/>`}<//>
    ${[from, to].filter(Boolean).map((one) => html`<${Kept} key=${one} host=${host} generation=${one}/>`)}</section>`;
}

function Restore({ host, generation, onClose, onDone }) {
  const [commit, setCommit] = useState(false);
  const request = { method: 'POST', path: `${OWN}/hosts/${host.id}/history/${generation}/restore`, body: { commit } };
  return html`<${HostChange} title=${`Restore generation ${generation} of ${host.name}`} request=${request} verb="Restore" cli=${command('host', 'restore', host.name, generation, commit && '--commit')}
    onClose=${onClose} onDone=${onDone}>
    <p class="quiet">The host gets the networks, bonds, addresses and labels that it had. Networks are as they are defined now.</p>
    <label class="opt"><input type="checkbox" checked=${commit} onChange=${(event) => setCommit(event.currentTarget.checked)}/><span>Commit: the host boots with it</span></label><//>`;
}

/** The stored data of a generation, read when it is opened. */
function Kept({ host, generation }) {
  const [found, set] = useState(/** @type {Partial<Loaded<any>>} */ ({}));
  const load = () => get(`${OWN}/hosts/${host.id}/history/${generation}`).then((data) => set({ data }), (error) => set({ error }));
  return html`<details class="fold" onToggle=${(event) => event.currentTarget.open && !found.data && load()}><summary>What generation ${generation} requested, and what the host had after it</summary>
    <${View} of=${{ ...found, reload: load }}>${(facts) => html`<${Wanted} intent=${facts.intent}/>
      ${[['It was to become', facts.desired], ['It had after it', facts.observed]].map(([title, tree]) => html`<h3 key=${title} class="sub">${title}</h3>
        ${tree ? html`<pre tabindex="0" role="region" aria-label=${title}>${JSON.stringify(tree, null, 2)}</pre>` : html`<p class="quiet">Not known.</p>`}`)}`}<//></details>`;
}

const WANTED = [
  ['Network', (one) => one.name], ['VLAN', (one) => one.vlan ?? 'untagged'], ['NIC or bond', (one) => one.nic],
  ['Addresses', (one) => one.assignments.map((each) => each.address || each.method).filter((text) => text !== 'none').join(', ') || '–'],
];

function Wanted({ intent }) {
  if (!intent) return html`<p class="quiet">The request is unknown.</p>`;
  const networks = new Map((intent.networks ?? []).map((one) => [one.id, one]));
  const rows = (intent.attachments ?? []).map((one) => ({ ...one, name: networks.get(one.network_id)?.name ?? one.network_id, vlan: networks.get(one.network_id)?.vlan, assignments: one.assignments ?? [] }));
  return html`<h3 class="sub">Requested</h3><${Table} label="Requested networks" columns=${WANTED} rows=${rows}/>
    ${(intent.bonds ?? []).map((bond) => html`<p key=${bond.name}>${bond.name}: ${bond.slaves.join(' and ')}, mode ${bond.options?.mode ?? '4'}</p>`)}`;
}
