// A virtual machine: its vNICs, which change while it runs.
import { OVIRT, OWN, exactly, get, request } from '../lib/api.js';
import { Check, Choice, Field, differing, useAsk } from '../lib/form.js';
import { Act, Icon, Menu, say } from '../lib/parts.js';
import { html, useState } from '../lib/preact.js';
import { Same, command, option } from '../lib/same.js';
import { Blank, Head, Refused, Table, View, useData } from '../lib/view.js';
import { CELLS, VmStatus, link, plug } from './vms.js';
/** @import {Call, Failure} from '../model/types.d.ts' */

const INTERFACES = [['virtio', 'virtio'], ['e1000', 'e1000'], ['e1000e', 'e1000e'], ['rtl8139', 'rtl8139'], ['pci_passthrough', 'virtual function of the host (pci_passthrough)']];
const ALL = 1000;

async function load(id) {
  const [vm, vnics] = await Promise.all([get(`${OVIRT}/vms/${id}`, { follow: 'cluster.data_center,host' }), get(`${OWN}/rows/vnics`, { search: `vm.id=${id} sortby name` })]);
  return { vm, vnics };
}

export function Vm({ id }) {
  const found = useData(() => load(id), [id]);
  return html`<${View} title="Virtual machine" of=${found}>${({ vm, vnics }) => html`
    <${Head} title=${vm.name} crumbs=${html`<a href="/ui/vms">VMs</a><${Icon} name="chevron-right" size=${14}/><span>${vm.cluster.name}</span>`}><${VmStatus} of=${vm.status}/>
      <span class="meta">${vm.host && html`on <a href=${`/ui/hosts/${vm.host.id}`}>${vm.host.name}</a>`}${vm.description && ` · ${vm.description}`}</span><//>
    <div class="page"><${Vnics} key=${id} vm=${vm} vnics=${vnics} reload=${found.reload}/></div>`}<//>`;
}

function Vnics({ vm, vnics, reload }) {
  const [dialog, ask] = useAsk();
  const [made, setMade] = useState(/** @type {{ text?: string, error?: Failure, call?: Call }} */ ({})); // {text, call} | {error, call}: what was done at once
  const at = { vm, reload, ask, setMade };
  const columns = [
    ['vNIC', (vnic) => html`<b>${vnic.name}</b>`], ['MAC address', CELLS.mac], ['Profile', CELLS.profile], ['Network', CELLS.network],
    ['Link', CELLS.link], ['Plugged', CELLS.plugged], ['Addresses', CELLS.addresses],
    ['Actions', (vnic) => html`<${Menu} label=${`Actions for ${vnic.name}`} items=${actions(at, vnic)}/>`],
  ];
  return html`<div class="bar"><${Act} right="configure_vm_network" class="btn primary" aria-keyshortcuts="n" onClick=${() => ask(adding(at, vnics))}><${Icon} name="plus"/>Add vNIC…<//></div>
    ${made.error && html`<${Refused} error=${made.error}/>`}${made.text && html`<p class="fine"><${Icon} name="circle-check" size=${14}/>${made.text}</p>`}${made.call && html`<${Same} ...${made.call}/>`}
    ${vnics.length ? html`<${Table} label="vNICs" columns=${columns} rows=${vnics}/>` : html`<${Blank} title="No vNICs yet">${vm.name} has no vNIC, so it reaches no network.<//>`}${dialog}`;
}

/** What can be done with a vNIC. What is one step is done at once. */
function actions({ vm, reload, ask, setMade }, vnic) {
  const now = (text, call) => async () => {
    setMade({});
    await request(call).then(() => { setMade({ text, call }); say(text); }, (error) => setMade({ error, call }));
    reload();
  };
  return [
    { icon: 'pencil', text: 'Edit…', right: 'configure_vm_network', run: () => ask(editing({ vm, reload }, vnic)) },
    vnic.plugged ? { icon: 'unplug', text: 'Unplug', right: 'configure_vm_network', run: now(`${vnic.name} is unplugged.`, plug('deactivate')(vnic)) } : { icon: 'plug', text: 'Plug in', right: 'configure_vm_network', run: now(`${vnic.name} is plugged in.`, plug('activate')(vnic)) },
    vnic.linked ? { icon: 'unlink', text: 'Take the link down', right: 'configure_vm_network', run: now(`The link of ${vnic.name} is down.`, link(false)(vnic)) } : { icon: 'link', text: 'Bring the link up', right: 'configure_vm_network', run: now(`The link of ${vnic.name} is up.`, link(true)(vnic)) },
    { icon: 'trash', text: 'Remove…', right: 'configure_vm_network', run: () => ask(removing({ vm, reload }, vnic)) },
  ];
}

/** Where a machine runs, and what that means for a change. */
const Running = ({ vm, children }) => vm.status === 'up' && html`<p class="note"><${Icon} name="info"/><span>${vm.name} runs on <b>${vm.host?.name}</b>: ${children}</span></p>`;

function Profiles({ vm, value }) {
  const found = useData(() => get(`${OWN}/rows/profiles`, { search: `${exactly('datacenter', vm.cluster.data_center.name)} sortby name`, max: ALL }), []);
  const options = (found.data ?? (value ? [{ ...value, network: { name: value.of } }] : [])).map((one) => [one.id, one.name === one.network.name ? one.name : `${one.name} (network ${one.network.name})`]);
  return html`<${Choice} label="Profile" name="profile" none="No network" value=${value?.id} options=${options}/>${found.error && html`<${Refused} error=${found.error}/>`}`;
}

function adding({ vm, reload }, vnics) {
  let name = 1;
  while (vnics.some((vnic) => vnic.name === `nic${name}`)) name += 1;
  return {
    title: `Add a vNIC to ${vm.name}`, verb: 'Add vNIC', said: 'The vNIC is added.', done: reload,
    fields: () => html`<${Field} label="Name" name="name" value=${`nic${name}`} required autofocus/><${Profiles} vm=${vm}/>
      <div class="pair"><${Field} label="MAC address" name="mac" placeholder="from the pool"/><${Choice} label="Interface" name="interface" value="virtio" options=${INTERFACES}/></div>
      <${Check} label="Link up" name="linked" checked/><${Check} label="Plugged in" name="plugged" checked/><${Running} vm=${vm}>it gets the vNIC at once.<//>`,
    of: (form) => {
      const said = valuesFrom(form);
      return {
        method: 'POST', path: `${OVIRT}/vms/${vm.id}/nics`, body: { ...said, interface: form.get('interface') },
        cli: command('vm', 'nic', 'add', vm.name, said.name, option('--profile', form.get('profile') || undefined), option('--mac', form.get('mac') || undefined), ['--interface', form.get('interface')], !said.linked && '--unlinked', !said.plugged && '--unplugged'),
      };
    },
  };
}

const valuesFrom = (form) => ({
  name: form.get('name'), vnic_profile: form.get('profile') ? { id: form.get('profile') } : {}, linked: form.has('linked'), plugged: form.has('plugged'),
  ...(form.get('mac') ? { mac: { address: form.get('mac') } } : {}),
});

function editing({ vm, reload }, vnic) {
  const before = { name: vnic.name, vnic_profile: vnic.profile ? { id: vnic.profile.id } : {}, linked: vnic.linked, plugged: vnic.plugged, mac: { address: vnic.mac } };
  return {
    title: `Edit ${vnic.name} of ${vm.name}`, verb: 'Save', said: `${vnic.name} is changed.`, done: reload,
    fields: () => html`<${Field} label="Name" name="name" value=${vnic.name} required autofocus/><${Profiles} vm=${vm} value=${vnic.profile && { ...vnic.profile, of: vnic.network.name }}/>
      <${Field} label="MAC address" name="mac" value=${vnic.mac}/><${Check} label="Link up" name="linked" checked=${vnic.linked}/><${Check} label="Plugged in" name="plugged" checked=${vnic.plugged}/><${Running} vm=${vm}>another profile or link reaches it at once, while it stays plugged in. For another MAC address unplug it first.<//>`,
    of: (form) => {
      const said = differing(valuesFrom(form), before);
      return {
        method: 'PUT', path: vnic.href, body: said,
        cli: command('vm', 'nic', 'set', vm.name, vnic.name, option('--rename', said.name), option('--profile', said.vnic_profile && form.get('profile')), option('--mac', said.mac?.address), flag('linked', said.linked), flag('plugged', said.plugged)),
      };
    },
  };
}

const flag = (name, value) => value !== undefined && `--${value ? '' : 'un'}${name}`;

const removing = ({ vm, reload }, vnic) => ({
  title: `Remove ${vnic.name} of ${vm.name}?`, verb: 'Remove', tone: 'danger', said: `${vnic.name} is removed.`, done: reload,
  fields: () => html`<p>Its MAC address <span class="mono">${vnic.mac}</span> ${vnic.addresses.length > 0 && html`and ${vnic.addresses.join(', ')} `}may go to another vNIC then.</p>`,
  of: () => ({ method: 'DELETE', path: vnic.href, cli: command('vm', 'nic', 'remove', vm.name, vnic.name, '--yes') }),
});
