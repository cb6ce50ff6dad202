// The networks of all data centers.
import { OWN } from '../lib/api.js';
import { List, Narrow, narrowedBy, noneNarrowed, useList } from '../lib/list.js';
import { Act, Icon } from '../lib/parts.js';
import { html } from '../lib/preact.js';
import { Head, State } from '../lib/view.js';

export const ROLES = { management: 'Management', migration: 'Migration', display: 'Display', default_route: 'Default route', gluster: 'Gluster' };
const ICONS = { management: 'shield', migration: 'arrow-left-right', display: 'monitor', default_route: 'arrow-right', gluster: 'database', vm: 'cloud' };

export const mtuOf = (mtu) => (Number(mtu) ? mtu : '1500 (default)');

/** What a network is for, in words with a sign each. */
export const Roles = ({ roles, vm }) => html`<span class="uses">${[...(vm ? ['vm'] : []), ...roles].map((role) => html`<span key=${role} class="use r-${role}"><${Icon} name=${ICONS[role]} size=${14}/><span>${ROLES[role] ?? 'VM'}</span></span>`)}${!vm && !roles.length && '–'}</span>`;

/** On how many of its hosts a network is in sync. */
export const Sync = ({ hosts, wrong }) => (hosts ? html`<${State} kind=${wrong ? 'warn' : 'ok'}>${hosts - wrong}/${hosts} in sync<//>` : 'on no host');

const COLUMNS = [
  ['Name', (network) => html`<a href=${`/ui/networks/${network.id}`}>${network.name}</a>`, 'name'],
  ['VLAN', (network) => network.vlan ?? 'untagged', 'vlanid'],
  ['MTU', (network) => mtuOf(network.mtu), 'mtu'],
  ['Used for', (network) => html`<${Roles} roles=${network.roles} vm=${network.vm_network}/>`],
  ['Hosts', (network) => html`<${Sync} hosts=${network.hosts} wrong=${network.hosts_out_of_sync}/>`, 'hosts'],
  ['Clusters', (network) => network.clusters, 'clusters'],
  ['VMs', (network) => network.vms, 'vms'],
  ['vNICs', (network) => network.vnics, 'vnics'],
  ['Profiles', (network) => network.profiles, 'profiles'],
  ['QoS', (network) => network.qos?.name ?? '–', 'qos'],
  ['Provider', (network) => network.provider?.name ?? '–', 'provider'],
  ['Data center', (network) => network.data_center.name, 'datacenter'],
];

/** What the list may be narrowed to, by its name in the address. */
const SHOWN = {
  vm: ['For VMs', 'vm=true'], hosts: ['For hosts only', 'vm=false'], external: ['Of a provider', 'provider=*'], labelled: ['With a label', 'label=*'], unused: ['On no host', 'hosts=0'], loose: ['In no cluster', 'clusters=0'],
};

export function Networks() {
  const list = useList(`${OWN}/rows/networks`, ['name'], {}, narrowedBy(SHOWN));
  const empty = narrowedBy(SHOWN) ? noneNarrowed('network', 'networks')
    : ['No networks yet', 'There is none, or none that you may see. A network is defined once, attached to clusters, and carried to their hosts.'];
  return html`<${Head} title="Networks"><span class="grow"></span><${Act} right="create_storage_pool_network" class="btn primary" href="/ui/networks/new" aria-keyshortcuts="n"><${Icon} name="plus"/>New network<//><//>
    <div class="page"><${List} list=${list} label="Networks" hint="Part of a name, or a search such as vlanid=100" columns=${COLUMNS} empty=${empty}>
      <${Narrow} table=${SHOWN}/><//></div>`;
}
