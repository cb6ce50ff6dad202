// Clusters: hosts that carry the same networks, and how changes go out to them.
import { OVIRT, OWN, exactly, get } from '../lib/api.js';
import { Change, useChange } from '../lib/plan.js';
import { Check, Choice, Field, differing, useBefore } from '../lib/form.js';
import { List, useList } from '../lib/list.js';
import { Act, Icon } from '../lib/parts.js';
import { html } from '../lib/preact.js';
import { command } from '../lib/same.js';
import { Blank, Head, State, Tabs, View, useData } from '../lib/view.js';
import { cellsOf, keyOf } from '../model/matrix.js';
import { Cells } from './cells.js';
/** @import {Values} from '../model/types.d.ts' */

const SWITCHES = { legacy: 'Linux bridges', ovs: 'Open vSwitch' };
const HEALING = { off: 'none', harmless: 'what costs no traffic', always: 'all of it' };
const FAILURES = { keep: 'keep and halt', revert: 'take back' };
const ALL = 1000;

/** How changes go out to hosts, in words. */
const rolloutOf = (cluster) => `${cluster.rollout_canaries} first, then ${cluster.rollout_wave} at a time`;

/** The tabs of the area. */
export const Areas = ({ at }) => html`<${Tabs} label="Clusters" tabs=${[['clusters', 'List'], ['matrix', 'Matrix']]} at=${at}/>`;

const COLUMNS = [
  ['Name', (cluster) => html`<a href=${`/ui/clusters/${cluster.id}`}>${cluster.name}</a>`, 'name'],
  ['Data center', (cluster) => cluster.data_center.name, 'datacenter'],
  ['Switch type', (cluster) => SWITCHES[cluster.switch_type], 'switch'],
  ['Hosts', (cluster) => (cluster.hosts ? html`<a href=${`/ui/hosts?search=${encodeURIComponent(exactly('cluster', cluster.name))}`}>${cluster.hosts_up} of ${cluster.hosts} up</a>` : 'none'), 'hosts'],
  ['In sync', (cluster) => (cluster.hosts ? html`<${State} kind=${cluster.hosts_out_of_sync ? 'warn' : 'ok'}>${cluster.hosts - cluster.hosts_out_of_sync}/${cluster.hosts} in sync<//>` : '–'), 'hosts_out_of_sync'],
  ['Networks', (cluster) => html`<a href=${`/ui/clusters/${cluster.id}/networks`}>${cluster.networks}</a>`, 'networks'],
  ['VMs', (cluster) => cluster.vms, 'vms'],
  ['MAC pool', (cluster) => cluster.mac_pool.name, 'macpool'],
  ['Synced by itself', (cluster) => HEALING[cluster.drift_healing], 'healing'],
  ['Rollout', rolloutOf],
  ['When a host fails', (cluster) => FAILURES[cluster.rollout_on_failure], 'on_failure'],
];

export function Clusters() {
  const list = useList(`${OWN}/rows/clusters`, ['name']);
  return html`<${Head} title="Clusters"><${Areas} at="clusters"/><//><div class="page">
    <${List} list=${list} label="Clusters" hint="Part of a name, or a search such as switch=ovs" columns=${COLUMNS} empty=${['No clusters', 'There is none, or none that you may see.']}/></div>`;
}

export function Cluster({ id, tab }) {
  const found = useData(() => get(`${OVIRT}/clusters/${id}`, { follow: 'data_center,mac_pool,management_network' }), [id]);
  const place = `clusters/${id}`;
  return html`<${View} title="Cluster" of=${found}>${(cluster) => html`
    <${Head} title=${cluster.name} crumbs=${html`<a href="/ui/clusters">Clusters</a><${Icon} name="chevron-right" size=${14}/><span>${cluster.data_center.name}</span>`}><span class="meta">${SWITCHES[cluster.switch_type]}</span>
      <${Tabs} label="Cluster" tabs=${[[place, 'Settings'], [`${place}/networks`, 'Networks']]} at=${tab ? `${place}/${tab}` : place}/><//>
    <div class="page">${tab ? html`<${Networks} cluster=${cluster}/>` : html`<${Settings} key=${cluster.id} cluster=${cluster} reload=${found.reload}/>`}</div>`}<//>`;
}

/** The networks of its data center, and what each is in it. */
function Networks({ cluster }) {
  const found = useData(() => get(`${OWN}/matrix`, { datacenter: cluster.data_center.id, clusters: `id=${cluster.id}`, max: ALL }), [cluster.id]);
  return html`<${View} of=${found} empty=${(matrix) => !matrix.networks.length && html`<${Blank} title="No networks">There is none in this data center, or none that you may see.<//>`}>${(matrix) => {
    const cells = cellsOf(matrix);
    const rows = matrix.networks.map((network) => ({ id: network.id, network, cluster: matrix.clusters[0], cell: cells.get(keyOf(network, cluster)) }));
    return html`<${Cells} label="Networks" rows=${rows.toSorted((a, b) => Number(Boolean(b.cell)) - Number(Boolean(a.cell)))} by=${['network']} reload=${found.reload}/>`;
  }}<//>`;
}

const TEXTS = ['name', 'description', 'drift_healing', 'rollout_canaries', 'rollout_wave', 'rollout_soak', 'rollout_on_failure'];
const ENGINE_DEFAULT = '-1';
/** @type {(cluster: any) => Values} */
const valuesOf = (cluster) => ({ ...Object.fromEntries(TEXTS.map((name) => [name, cluster[name] ?? ''])), rollout_soak: cluster.rollout_soak === ENGINE_DEFAULT ? '' : cluster.rollout_soak, mac_pool: cluster.mac_pool.id, rollout_evacuates: cluster.rollout_evacuates === 'true' });
const readForm = (form) => ({ ...Object.fromEntries(TEXTS.map((name) => [name, form.get(name).trim()])), mac_pool: form.get('mac_pool'), rollout_evacuates: form.has('rollout_evacuates') });
/** @type {(changes: Values) => Values} */
const bodyOf = ({ mac_pool: pool, rollout_soak: soak, ...rest }) => ({ ...rest, ...(soak !== undefined && { rollout_soak: soak || ENGINE_DEFAULT }), ...(pool && { mac_pool: { id: pool } }) });

/** @type {(cluster: { name: string }, changes: Values, pools: { id: string, name: string }[]) => string} */
function commandOf(cluster, { name, mac_pool: pool, ...rest }, pools) {
  const options = Object.entries(bodyOf(rest)).flatMap(([key, value]) => [`--${key.replaceAll('_', '-')}`, String(value)]);
  return command('cluster', 'set', cluster.name, options, pool && ['--mac-pool', pools.find((one) => one.id === pool)?.name], name && ['--rename', name]);
}

function Settings({ cluster, reload }) {
  const found = useData(() => get(`${OVIRT}/macpools`, { max: ALL }).catch(() => ({})), []);
  return html`<${View} of=${found}>${(data) => html`<${Edit} cluster=${cluster} pools=${data.mac_pool ?? [cluster.mac_pool]} reload=${reload}/>`}<//>`;
}

function Edit({ cluster, pools, reload }) {
  const { before, turn, touch, done } = useBefore(valuesOf(cluster));
  const change = useChange('The cluster', () => { done(); reload(); });
  const plan = (event) => {
    event.preventDefault();
    const changes = differing(readForm(new FormData(event.currentTarget)), before);
    if (!Object.keys(changes).length) return change.fail({ message: 'Nothing differs from the settings.' });
    return change.plan({ method: 'PUT', path: `${OVIRT}/clusters/${cluster.id}`, body: bodyOf(changes), cli: commandOf(cluster, changes, pools) });
  };
  return html`<div class="split even"><form key=${turn} class="card form" onSubmit=${plan} onInput=${() => { touch(); change.forget(); }} aria-label="Settings">
      <section class="part" aria-labelledby="h-set"><h2 id="h-set">Settings</h2>
        <div class="pair"><${Field} label="Name" name="name" value=${before.name} required/><${Field} label="Description" name="description" value=${before.description}/></div>
        <div class="pair"><${Choice} label="MAC pool" name="mac_pool" value=${before.mac_pool} options=${pools.map((one) => [one.id, one.name])}/>
          <${Choice} label="Synced by itself" name="drift_healing" value=${before.drift_healing} options=${Object.entries(HEALING)}/></div>
        <dl class="facts"><dt>Switch type</dt><dd>${SWITCHES[cluster.switch_type]}</dd><dt>Management network</dt><dd>${cluster.management_network?.name ? html`<a href=${`/ui/networks/${cluster.management_network.id}`}>${cluster.management_network.name}</a>` : '–'}</dd></dl></section>
      <section class="part" aria-labelledby="h-roll"><h2 id="h-roll">How changes go out to its hosts</h2>
        <div class="third"><${Field} label="Canaries" name="rollout_canaries" type="number" min="0" max="1000" value=${before.rollout_canaries} required hint="Hosts that change first, and are watched."/>
          <${Field} label="Watched for (s)" name="rollout_soak" type="number" min="0" max="86400" value=${before.rollout_soak} placeholder="the engine's setting" hint="Empty: the engine's setting."/>
          <${Field} label="Wave" name="rollout_wave" type="number" min="1" max="1000" value=${before.rollout_wave} required hint="Hosts at a time after that."/></div>
        <${Choice} label="When a host fails, those that have changed" name="rollout_on_failure" value=${before.rollout_on_failure} options=${[['keep', 'keep the change; the rollout is halted'], ['revert', 'go back, and the change is taken back']]}/>
        <${Check} label="Move VMs away that a change would cut off" name="rollout_evacuates" checked=${before.rollout_evacuates}/></section>
      <${Act} right="edit_cluster_configuration" type="submit" class="btn ${change.made.plan ? '' : 'primary'}" disabled=${change.made.busy}>${change.made.busy ? 'Planning…' : 'Plan the change'}<//></form>
    <section class="card form" aria-labelledby="h-plan"><h2 id="h-plan">Plan</h2><${Change} of=${change} what="The cluster" verb="Change the cluster" hint="Change the settings, and see whether hosts have anything to do for it."/></section></div>`;
}
