// vNICs of all virtual machines, and the machines themselves.
import { OVIRT, OWN } from '../lib/api.js';
import { List, useList } from '../lib/list.js';
import { Icon } from '../lib/parts.js';
import { html } from '../lib/preact.js';
import { query } from '../lib/router.js';
import { command } from '../lib/same.js';
import { Head, State, Tabs } from '../lib/view.js';

const VM_STATES = { up: 'ok', down: 'rest', suspended: 'rest', paused: 'warn', unknown: 'warn', not_responding: 'bad' };
export const VmStatus = ({ of }) => html`<${State} kind=${VM_STATES[of] ?? 'busy'}>${of.replaceAll('_', ' ')}<//>`;

const FIELDS = ['vm', 'name', 'network', 'profile', 'mac', 'address'];

/** The columns of a vNIC, in the list of all vNICs and on the page of its VM. */
export const CELLS = {
  mac: (vnic) => html`<span class="mono">${vnic.mac}</span>${vnic.same_mac.length > 0 && html`<span class="pill warn" title=${vnic.same_mac.join(', ')}><${Icon} name="triangle-alert" size=${14}/>Also of ${vnic.same_mac[0]}${vnic.same_mac.length > 1 && ` and ${vnic.same_mac.length - 1} more`}</span>`}`,
  profile: (vnic) => (vnic.profile ? html`<a href=${`/ui/policies/profiles?search=${encodeURIComponent(`id=${vnic.profile.id}`)}`}>${vnic.profile.name}</a>` : '–'),
  network: (vnic) => (vnic.network ? html`<a href=${`/ui/networks/${vnic.network.id}`}>${vnic.network.name}</a>` : 'no network'),
  link: (vnic) => html`<${State} kind=${vnic.linked ? 'ok' : 'rest'}>${vnic.linked ? 'Up' : 'Down'}<//>`,
  plugged: (vnic) => html`<${State} kind=${vnic.plugged ? 'ok' : 'rest'}>${vnic.plugged ? 'Plugged in' : 'Unplugged'}<//>${!vnic.synced && html`<${State} kind="warn">Out of sync<//>`}`,
  addresses: (vnic) => html`<span class="mono">${vnic.addresses.join(', ') || '–'}</span>`,
};

/** The requests for a vNIC: `plug` with activate or deactivate. */
export const plug = (verb) => (vnic) => ({ method: 'POST', path: `${vnic.href}/${verb}`, body: {}, cli: command('vm', 'nic', verb, vnic.vm.name, vnic.name) });
export const link = (linked) => (vnic) => ({ method: 'PUT', path: vnic.href, body: { linked }, cli: command('vm', 'nic', 'set', vnic.vm.name, vnic.name, linked ? '--linked' : '--unlinked') });

const ofVnics = (icon, text, note, of) => ({ icon, text, verb: text, right: 'configure_vm_network', note, of });
export const VNIC_BULK = {
  nameOf: (vnic) => `${vnic.vm.name} ${vnic.name}`,
  actions: [
    ofVnics('plug', 'Plug in', 'Machines that run get them at once.', plug('activate')), ofVnics('unplug', 'Unplug', 'Machines that run lose them at once; they keep their MAC addresses.', plug('deactivate')),
    ofVnics('link', 'Bring links up', 'They stay plugged in as they are.', link(true)), ofVnics('unlink', 'Take links down', 'They stay plugged in, and machines see that the cable is out.', link(false)),
  ],
};

const host = (one) => (one.host ? html`<a href=${`/ui/hosts/${one.host.id}`}>${one.host.name}</a>` : '–');
const VNICS = [
  ['VM', (vnic) => html`<a href=${`/ui/vms/${vnic.vm.id}`}>${vnic.vm.name}</a>`, 'vm'],
  ['vNIC', (vnic) => vnic.name, 'name'],
  ['MAC address', CELLS.mac, 'mac'],
  ['Profile', CELLS.profile, 'profile'],
  ['Network', CELLS.network, 'network'],
  ['Link', CELLS.link, 'linked'],
  ['Plugged', CELLS.plugged, 'plugged'],
  ['Host', host, 'host'],
  ['Addresses', CELLS.addresses],
];
const VMS = [
  ['Name', (vm) => html`<a href=${`/ui/vms/${vm.id}`}>${vm.name}</a>`, 'name'],
  ['Status', (vm) => html`<${VmStatus} of=${vm.status}/>`, 'status'],
  ['Cluster', (vm) => vm.cluster.name, 'cluster'],
  ['Host', host, 'host'],
  ['Description', (vm) => vm.description || '–'],
];

function Vnics() {
  const list = useList(`${OWN}/rows/vnics`, FIELDS);
  return html`<${List} list=${list} label="vNICs" hint="VM, network, profile, MAC or other address" columns=${VNICS} bulk=${VNIC_BULK}
    empty=${['No vNICs yet', html`No virtual machine has one, or none that you may see. <a href="/ui/vms?by=vm">The machines</a> get them.`]}/>`;
}

function Machines() {
  const list = useList(`${OVIRT}/vms`, ['name'], { follow: 'cluster,host' });
  return html`<${List} list=${list} of=${(data) => data.vm ?? []} label="VMs" hint="Part of a name, or a search such as status=up" columns=${VMS}
    empty=${['No virtual machines yet', html`There is none, or none that you may see. <code>netweft vm add NAME</code> adds one.`]}/>`;
}

export function Vms() {
  const byVm = query.value.get('by') === 'vm';
  return html`<${Head} title="VMs"><${Tabs} label="Lists" tabs=${[['vms', 'vNICs'], ['vms?by=vm', 'Virtual machines']]} at=${byVm ? 'vms?by=vm' : 'vms'}/><//>
    <div class="page">${byVm ? html`<${Machines}/>` : html`<${Vnics}/>`}</div>`;
}
