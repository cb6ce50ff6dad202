// The hosts of the fleet.
import { OWN } from '../lib/api.js';
import { List, Narrow, narrowedBy, noneNarrowed, useList } from '../lib/list.js';
import { html } from '../lib/preact.js';
import { Head, Moment, State } from '../lib/view.js';
import { ACTIONS } from './host-calls.js';
import { Committed, HostStatus, InSync } from './host-head.js';

/** A value that is not known before a host's first report, as oVirt's API has it. */
const asText = (value) => (value === null ? undefined : String(value));
/** Whether what a host lacks or has without a link is none. */
const Without = ({ count, text }) => (count ? html` <${State} kind="warn">${count} ${text}<//>` : null);

const BULK = { nameOf: (host) => host.name, actions: ACTIONS };
const COLUMNS = [
  ['Name', (host) => html`<a href=${`/ui/hosts/${host.id}`}>${host.name}</a>`, 'name'],
  ['Status', (host) => html`<${HostStatus} of=${host.status}/>${host.changing && html` <${State} kind="busy">changing<//>`}`, 'status'],
  ['Cluster', (host) => host.cluster.name, 'cluster'],
  ['Networks', (host) => html`${host.networks}<${Without} count=${host.missing} text="missing"/>`, 'networks'],
  ['Uplinks', (host) => html`${host.uplinks}<${Without} count=${host.uplinks_down} text="without link"/>`, 'uplinks'],
  ['Bonds', (host) => host.bonds, 'bonds'],
  ['In sync', (host) => html`<${InSync} of=${asText(host.synced)}/>`, 'synced'],
  ['Boot', (host) => html`<${Committed} of=${asText(host.committed)}/>`, 'committed'],
  ['VMs', (host) => host.vms, 'vms'],
  ['Seen', (host) => html`<${Moment} at=${host.seen}/>`, 'seen'],
  ['Address', (host) => html`<span class="mono">${host.address}</span>`, 'address'],
];

/** What the list may be narrowed to, by its name in the address. */
const SHOWN = {
  away: ['Not up', 'status!=up'], drift: ['Out of sync', 'synced=false'], uncommitted: ['Not committed', 'committed=false'], missing: ['Without a required network', 'missing>0'], down: ['With an uplink without link', 'uplinks_down>0'],
};

export function Hosts() {
  const list = useList(`${OWN}/rows/hosts`, ['name'], {}, narrowedBy(SHOWN));
  const empty = narrowedBy(SHOWN) ? noneNarrowed('host', 'hosts')
    : ['No hosts yet', html`None has joined, or none that you may see. <code>netweft host add NAME</code> adds one.`];
  return html`<${Head} title="Hosts"/><div class="page"><${List} list=${list} label="Hosts" hint="Part of a name, or a search such as status=up" columns=${COLUMNS} empty=${empty} bulk=${BULK}><${Narrow} table=${SHOWN}/><//></div>`;
}
