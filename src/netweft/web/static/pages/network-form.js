// The definition of a network: of a new one, and of one that hosts may carry.
import { OVIRT, OWN, failure, get, request } from '../lib/api.js';
import { Change, useChange } from '../lib/plan.js';
import { Check, Choice, Field, differing, textOf, useBefore } from '../lib/form.js';
import { Act, Icon, say } from '../lib/parts.js';
import { html, useRef, useState } from '../lib/preact.js';
import { go } from '../lib/router.js';
import { Same, command, option } from '../lib/same.js';
import { Head, Refused, View, useData } from '../lib/view.js';
/** @import {Call, Failure, Values} from '../model/types.d.ts' */

const words = (text) => (text ?? '').split(/[\s,]+/).filter(Boolean);
const flag = (text) => text === 'true' || text === true;

/** What a network is by its definition: what the fields of the form hold. @type {(network: any) => Values} */
const valuesOf = (network) => ({
  name: network.name ?? '', description: network.description ?? '', vlan: network.vlan?.id ?? '', mtu: network.mtu && network.mtu !== '0' ? network.mtu : '',
  vm: network.usages ? Boolean(network.usages.usage?.includes('vm')) : !network.id, stp: flag(network.stp), isolated: flag(network.port_isolation),
  qos: network.qos?.id ?? '', dns: (network.dns_resolver_configuration?.name_servers?.name_server ?? []).join(' '),
});

/** The values of a form; disabled fields keep their values. @type {(form: FormData, before: Values) => Values} */
function readForm(form, before) {
  const text = (/** @type {string} */ name) => (form.has(name) ? textOf(form, name).trim() : before[name]);
  const on = (/** @type {string} */ name) => (form.has(`has-${name}`) ? form.has(name) : before[name]);
  return { ...Object.fromEntries(['name', 'description', 'vlan', 'mtu', 'qos'].map((name) => [name, text(name)])), dns: words(text('dns')).join(' '), vm: on('vm'), stp: on('stp'), isolated: on('isolated') };
}

/** @type {Record<string, (value: any) => object>} */
const ELEMENTS = {
  name: (name) => ({ name }), description: (description) => ({ description }), vlan: (id) => ({ vlan: id === '' ? {} : { id } }), mtu: (mtu) => ({ mtu: mtu || '0' }),
  vm: (vm) => ({ usages: { usage: vm ? ['vm'] : [] } }), stp: (stp) => ({ stp }), isolated: (on) => ({ port_isolation: on }), qos: (id) => ({ qos: id ? { id } : {} }),
  dns: (text) => ({ dns_resolver_configuration: { name_servers: { name_server: words(text) } } }),
};
/** The elements of a request that say these values. @type {(values: Values) => object} */
const bodyOf = (values) => Object.assign({}, ...Object.entries(values).map(([name, value]) => ELEMENTS[name](value)));

const either = (value, yes, no) => (value === undefined ? [] : [value ? yes : no]);
/** The options of a command that say these values. @type {(values: Values, qoss: { id: string, name: string }[]) => string[]} */
const optionsOf = ({ description, vlan, mtu, vm, stp, isolated, qos, dns }, qoss) => [
  description === undefined ? [] : ['--description', description], option('--vlan', vlan), mtu === undefined ? [] : ['--mtu', mtu || '0'], either(vm, '--vm', '--no-vm'), either(stp, '--stp', '--no-stp'),
  either(isolated, '--port-isolation', '--no-port-isolation'), option('--qos', qos && (qoss.find((one) => one.id === qos)?.name ?? qos)), dns === undefined ? [] : words(dns || 'none').flatMap((one) => ['--dns', one]),
].flat();

/** A box that says also that it is not ticked. */
const Box = ({ name, ...rest }) => html`<div>${!rest.disabled && html`<input type="hidden" name=${`has-${name}`}/>`}<${Check} name=${name} ...${rest}/></div>`;

/** The fields of a definition. `of`: their values; `qoss`: those of host networks in its data center. */
function Fields({ of, qoss, isNew, isExternal }) {
  return html`<div class="pair"><${Field} label="Name" name="name" value=${of.name} required maxlength="256"/><${Field} label="Description" name="description" value=${of.description}/></div>
    <div class="pair"><${Field} label="VLAN" name="vlan" type="number" min="0" max="4094" placeholder="untagged" value=${of.vlan} disabled=${isExternal}/>
      <${Field} label="MTU" name="mtu" type="number" min="68" max="65535" placeholder="1500" value=${of.mtu} disabled=${isExternal}/></div>
    <${Box} name="vm" label="VMs may use it" checked=${of.vm} disabled=${isExternal}/>
    <div class="pair"><${Box} name="stp" label="Spanning tree (STP) on its bridges" checked=${of.stp} disabled=${isExternal}/>
      <${Box} name="isolated" label="VMs on one host are isolated" checked=${of.isolated} disabled=${!isNew}/></div>
    <div class="pair"><${Choice} label="QoS on hosts" name="qos" value=${of.qos} none="none" options=${qoss.map((one) => [one.id, one.name])} disabled=${isExternal}/>
      <${Field} label="DNS servers of hosts" name="dns" value=${of.dns} placeholder="none" hint="Up to three addresses." disabled=${isExternal}/></div>`;
}

const hostQoss = (found) => (found.qos ?? []).filter((one) => one.type === 'hostnetwork');

/** The definition of a network, and what a change of it does on all hosts, before it is made. */
export function Definition({ network, reload }) {
  const found = useData(() => get(`${OVIRT}/datacenters/${network.data_center.id}/qoss`), [network.data_center.id]);
  return html`<${View} of=${found}>${(data) => html`<${Edit} network=${network} qoss=${hostQoss(data)} reload=${reload}/>`}<//>`;
}

function Edit({ network, qoss, reload }) {
  const { before, turn, touch, done } = useBefore(valuesOf(network));
  const change = useChange('The network', () => { done(); reload(); });
  const path = `${OVIRT}/networks/${network.id}`;
  const plan = (event) => {
    event.preventDefault();
    const changes = differing(readForm(new FormData(event.currentTarget), before), before);
    if (!Object.keys(changes).length) return change.fail({ message: 'Nothing differs from the definition.' });
    const cli = command('network', 'set', network.name, changes.name === undefined ? [] : ['--rename', changes.name], optionsOf(changes, qoss));
    return change.plan({ method: 'PUT', path, body: bodyOf(changes), cli });
  };
  return html`<div class="split even"><form key=${turn} class="card form" onSubmit=${plan} onInput=${() => { touch(); change.forget(); }} aria-labelledby="h-def"><h2 id="h-def">Definition</h2>
      <${Fields} of=${before} qoss=${qoss} isExternal=${Boolean(network.external_provider)}/>
      <${Act} right="configure_storage_pool_network" type="submit" class="btn ${change.made.plan ? '' : 'primary'}" disabled=${change.made.busy}>${change.made.busy ? 'Planning…' : 'Plan the change'}<//></form>
    <section class="card form" aria-labelledby="h-plan"><h2 id="h-plan">Plan</h2>
      <${Change} of=${change} what="The network" verb="Change the network" hint="Change the definition, and see what every host would do before anything happens."/></section></div>`;
}

export function NewNetwork() {
  const found = useData(() => Promise.all([get(`${OVIRT}/datacenters`, { follow: 'clusters,qoss' }), get(`${OVIRT}/openstacknetworkproviders`).catch(() => ({}))]), []);
  return html`<${Head} title="New network" crumbs=${html`<a href="/ui/networks">Networks</a>`}/><div class="page"><${View} of=${found}>${([centers, providers]) => html`
    <${Make} centers=${centers.data_center ?? []} providers=${providers.openstack_network_provider ?? []}/>`}<//></div>`;
}

/** The requests that make what a form says, one after the other; `id`: of the network, once it is there.
 * @returns {(Call & { what: string })[]} */
function requestsOf(form, qoss, clusters, providers, id) {
  const values = readForm(form, valuesOf({}));
  const [center, provider, wire, label, cidr] = ['center', 'provider', 'wire', 'label', 'cidr'].map((name) => textOf(form, name).trim());
  const set = { ...differing(values, valuesOf({})), name: values.name };
  const on = provider ? { external_provider: { id: provider } } : {};
  const name = providers.find((one) => one.id === provider)?.name;
  const { name: called, ...options } = set;
  const calls = [{
    what: `Network ${called}`, method: 'POST', path: `${OVIRT}/networks${wire ? `?${new URLSearchParams({ physical_network: wire })}` : ''}`, body: { ...bodyOf(set), data_center: { id: center }, ...on },
    cli: command('network', 'add', called, form.get('center-name') !== 'Default' && ['--datacenter', form.get('center-name')], optionsOf(options, qoss), name && ['--provider', name], wire && ['--physical-name', wire]),
  }];
  if (label) calls.push({ what: `Label ${label}`, method: 'POST', path: `${OVIRT}/networks/${id}/networklabels`, body: { id: label }, cli: command('network', 'label', 'add', called, label) });
  if (cidr) {
    const gateway = textOf(form, 'gateway').trim();
    const subnet = textOf(form, 'subnet').trim() || called;
    calls.push({ what: `Subnet ${subnet}`, method: 'POST', path: `${OWN}/networks/${id}/subnets`, body: { name: subnet, cidr, ...(gateway && { gateway }) }, cli: command('subnet', 'add', called, subnet, '--cidr', cidr, gateway && ['--gateway', gateway]) });
  }
  const required = form.has('required');
  for (const cluster of clusters.filter((one) => form.getAll('cluster').includes(one.id))) {
    calls.push({
      what: `Attachment to ${cluster.name}`, method: 'POST', path: `${OVIRT}/clusters/${cluster.id}/networks`, body: { id, required },
      cli: command('cluster', 'attach', cluster.name, called, required ? '--required' : '--optional'),
    });
  }
  return calls;
}

/** @typedef {{ what: string, error: Failure }} Undone */

const ID = 'ID';

function Make({ centers, providers }) {
  /** @type {{ current: HTMLFormElement }} */
  const form = useRef();
  const [center, setCenter] = useState(centers.find((one) => one.name === 'Default')?.id ?? centers[0]?.id);
  const [provider, setProvider] = useState('');
  const [calls, setCalls] = useState(/** @type {Call[]} */ ([]));
  const [made, set] = useState(/** @type {{ busy?: boolean, error?: Failure, id?: string, undone?: Undone[] }} */ ({})); // {busy} | {error} | {id, undone: [{what, error}]}
  const here = centers.find((one) => one.id === center);
  const clusters = here?.clusters?.cluster ?? [];
  const read = (id) => requestsOf(new FormData(form.current), hostQoss(here?.qoss ?? {}), clusters, providers, id);
  const send = async (event) => {
    event.preventDefault();
    set({ busy: true });
    try {
      const [first] = read(ID);
      const { id } = await request(first);
      finish(id, await sendRest(read(id).slice(1)));
    } catch (error) {
      set({ error: failure(error) });
    }
  };
  const finish = (id, undone) => {
    if (undone.length) return set({ id, undone });
    say('The network is there.');
    return go(`/ui/networks/${id}`);
  };
  if (made.id) return html`<${Undone} made=${made}/>`;
  return html`<form ref=${form} class="card form narrow" onSubmit=${send} onInput=${() => { set({}); setCalls(read(ID)); }} aria-label="New network">
    <${Fields} of=${valuesOf({})} qoss=${hostQoss(here?.qoss ?? {})} isNew/>
    <div class="pair"><${Choice} label="Data center" name="center" value=${center} options=${centers.map((one) => [one.id, one.name])} onChange=${(event) => setCenter(event.currentTarget.value)}/>
      <${Field} label="Label" name="label" pattern="[0-9A-Za-z_\\-]+" placeholder="none" hint="NICs with this label carry it." disabled=${Boolean(provider)}/></div><input type="hidden" name="center-name" value=${here?.name}/>
    ${providers.length > 0 && html`<div class="pair"><${Choice} label="External provider" name="provider" value=${provider} none="none: hosts carry it" options=${providers.map((one) => [one.id, one.name])} onChange=${(event) => setProvider(event.currentTarget.value)}/>
      ${provider && html`<${Field} label="Physical network" name="wire" placeholder="none: tunnels" hint="What the provider calls the wire that it is on."/>`}</div>`}
    <details class="fold"><summary>Subnet</summary><div class="third"><${Field} label="Addresses" name="cidr" placeholder="192.0.2.0/24"/><${Field} label="Gateway" name="gateway" placeholder="none"/><${Field} label="Name of the subnet" name="subnet"/></div></details>
    <fieldset class="fold"><legend>Attach to clusters</legend>${clusters.length === 0 && html`<p class="quiet">There are none in this data center.</p>`}
      <div class="boxes">${clusters.map((one) => html`<${Check} key=${one.id} label=${one.name} name="cluster" value=${one.id}/>`)}</div>
      ${clusters.length > 0 && html`<${Check} label="Required: a host of these clusters without it is not operational" name="required"/>`}</fieldset>
    ${made.error && html`<${Refused} error=${made.error}/>`}
    ${calls.length > 0 && html`<${Same} calls=${calls}/>`}
    <div class="bar"><${Act} right="create_storage_pool_network" type="submit" class="btn primary" disabled=${made.busy}>${made.busy ? 'Making it…' : 'Create the network'}<//><a class="btn ghost" href="/ui/networks">Cancel</a></div></form>`;
}

/** Send the requests that follow that of the network. Continues after refusals, and returns them.
 * @type {(calls: (Call & { what: string })[]) => Promise<Undone[]>} */
async function sendRest(calls) {
  /** @type {Undone[]} */
  const undone = [];
  for (const call of calls) await request(call).catch((error) => undone.push({ what: call.what, error }));
  return undone;
}

const Undone = ({ made }) => html`<section class="card form narrow" aria-labelledby="h-undone"><h2 id="h-undone">The network is there, but not all of it was done</h2>
  ${made.undone.map((one) => html`<div key=${one.what}><b>${one.what}</b><${Refused} error=${one.error}/></div>`)}
  <p><a class="btn" href=${`/ui/networks/${made.id}`}><${Icon} name="network"/>Go to the network</a></p></section>`;
