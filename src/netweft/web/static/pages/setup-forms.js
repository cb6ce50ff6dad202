// Forms for the networks of a host: settings of networks, bonds and their options, labels, and the
// virtual functions of NICs (SR-IOV).
import { OVIRT, failure, get, request } from '../lib/api.js';
import { Check, Choice, Field, textOf } from '../lib/form.js';
import { Act, Dialog, Icon, say } from '../lib/parts.js';
import { html, useEffect, useState } from '../lib/preact.js';
import { Same, command } from '../lib/same.js';
import { Refused, View } from '../lib/view.js';
import { same } from '../model/host.js';
import * as model from '../model/setup.js';
import { MODES } from './setup.js';
import { change, dialog, draft, host, load, plan, planned } from './setup-state.js';
/** @import {BondOptions, Call, Config, Draft, Failure, Limits, Made, Nic} from '../model/types.d.ts' */

const METHODS = {
  v4: [['none', 'None'], ['static', 'Static'], ['dhcp', 'DHCP']],
  v6: [['none', 'None'], ['static', 'Static'], ['dhcp', 'DHCP'], ['autoconf', 'Stateless autoconfiguration'], ['poly_dhcp_autoconf', 'DHCP and autoconfiguration']],
};
const TITLES = { v4: 'IPv4', v6: 'IPv6' };
const MOST = { v4: 32, v6: 128 };
const EXAMPLES = { v4: ['192.0.2.11', '24', '192.0.2.1'], v6: ['2001:db8::11', '64', '2001:db8::1'] };
/** @type {[keyof Limits, string, number][]} */
const LIMITS = [['share', 'Weighted share', 100], ['upper', 'At most, Mbit/s', 17179], ['real', 'Promised, Mbit/s', 17179]];
const QOS = [['network', 'As the network defines'], ['own', 'Own limits on this host']];

/** Options of bonds with fields of their own: in which modes they are offered, and the names of their values by number. */
/** @type {Record<string, [string, string, string[]]>} */
const CHOICES = {
  xmit_hash_policy: ['Share by', '2 4', ['layer2', 'layer3+4', 'layer2+3', 'encap2+3', 'encap3+4', 'vlan+srcmac']],
  lacp_rate: ['LACP rate', '4', ['slow', 'fast']],
};
const WITH_PRIMARY = '1 5 6';
const BEGUN = { mode: '4', miimon: '100', xmit_hash_policy: 'layer2+3' };
const FIELDS = ['mode', 'miimon', 'primary', ...Object.keys(CHOICES)];

const close = () => { dialog.value = null; };
const about = (...kinds) => (kinds.includes(dialog.value?.kind) ? dialog.value : null);
const paired = (values) => values.map((value) => [value, value]);
const words = (text) => text.split(/[\s,]+/).filter(Boolean);

/** The dialogs of the page. */
export const Forms = () => html`<${AttachmentDialog}/><${BondDialog}/><${LabelDialog}/><${FunctionsDialog}/>`;

function AttachmentDialog() {
  const id = about('edit')?.net;
  return html`<${Dialog} open=${Boolean(id)} title=${id ? `${id} on ${draft.value.place[id]}` : ''} onClose=${close}>${id && html`<${AttachmentForm} key=${id} id=${id}/>`}<//>`;
}

/** What the form says. `was`: what it began with, of which the form shows all but further custom properties. @type {(form: FormData, was: Config) => Config} */
function valuesFrom(form, was) {
  const address = (/** @type {string} */ version) => {
    const of = (/** @type {string} */ name) => textOf(form, `${version}.${name}`).trim();
    return { method: of('method'), address: of('address'), prefix: of('prefix'), gateway: of('gateway') };
  };
  const { bridge_opts: _, ...others } = was.properties;
  const bridge = textOf(form, 'bridge_opts').trim();
  return {
    v4: address('v4'), v6: address('v6'), dns: words(textOf(form, 'dns')),
    qos: form.get('qos') === 'own' ? { share: textOf(form, 'share'), upper: textOf(form, 'upper'), real: textOf(form, 'real') } : null,
    properties: { ...(bridge && { bridge_opts: bridge }), ...others },
  };
}

/** The engine looks at the valuesFrom before it becomes a change, and marks what its words name. */
function AttachmentForm({ id }) {
  const [was] = useState(() => model.configured(host.value, draft.value, id));
  const [own, setOwn] = useState(Boolean(was.qos));
  const [{ busy, error, next, form: sent }, setAsked] = useState(/** @type {{ busy?: boolean, error?: Failure, next?: Draft, form?: FormData }} */ ({}));
  const put = (/** @type {Draft} */ desired) => {
    close();
    change(desired, `${id} changed`);
  };
  const send = async (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const desired = model.configure(host.value, draft.value, id, valuesFrom(form, was));
    if (same(desired, draft.value)) return close();
    setAsked({ busy: true });
    const { error: refusal } = await planned(desired);
    if (refusal && refusal.message !== plan.value.error?.message) return setAsked({ error: refusal, next: desired, form });
    return put(desired);
  };
  const mark = (/** @type {string} */ name) => ({ name, 'aria-invalid': (error && sent && words(textOf(sent, name)).some((word) => word.length > 2 && error.message.includes(word))) || undefined });
  return html`<form class="ask" onSubmit=${send} aria-busy=${Boolean(busy)}>
    ${['v4', 'v6'].map((version) => html`<${Address} key=${version} version=${version} was=${was[version]} seen=${host.value.attachments[id]?.seen[version]} mark=${mark}/>`)}
    <${Field} label="DNS name servers" value=${was.dns.join(', ')} placeholder="those of the network" ...${mark('dns')}/>
    <${Choice} label="QoS" name="qos" options=${QOS} value=${own ? 'own' : 'network'} onChange=${(event) => setOwn(event.currentTarget.value === 'own')}/>
    ${own && html`<div class="third">${LIMITS.map(([name, label, most]) => html`<${Field} key=${name} label=${label} name=${name} type="number" min="1" max=${most} required=${name === 'share'} value=${was.qos?.[name] ?? ''}/>`)}</div>`}
    <${Field} label="Bridge options" value=${was.properties.bridge_opts ?? ''} placeholder="such as forward_delay=1500" ...${mark('bridge_opts')}/>
    ${error && html`<${Refused} error=${error}/>`}
    <div class="dlg-f"><button type="button" class="btn ghost" onClick=${close}>Cancel</button>${error && html`<button type="button" class="btn" onClick=${() => next && put(next)}>Add all the same</button>`}
      <button class="btn primary" disabled=${busy}>${busy ? 'Asking the engine…' : 'Add to changes'}</button></div></form>`;
}

/** How an address of one family comes to be. A static one begins with the address that the host has. */
function Address({ version, was, seen, mark }) {
  const [method, setMethod] = useState(was.method);
  const begun = was.method === 'static' || !seen?.address ? was : seen;
  const [address, prefix, gateway] = EXAMPLES[version];
  const title = TITLES[version];
  const of = (name) => mark(`${version}.${name}`);
  return html`<${Choice} label=${title} options=${METHODS[version]} value=${method} onChange=${(event) => setMethod(event.currentTarget.value)} autofocus=${version === 'v4'} ...${of('method')}/>
    ${method === 'static' && html`<div class="third"><${Field} label=${`${title} address`} value=${begun.address} required placeholder=${address} ...${of('address')}/>
      <${Field} label=${`${title} prefix`} type="number" min="1" max=${MOST[version]} required value=${begun.prefix || prefix} ...${of('prefix')}/>
      <${Field} label=${`${title} gateway`} value=${begun.gateway} placeholder=${`none, or ${gateway}`} ...${of('gateway')}/></div>`}
    ${method !== 'static' && seen?.address && html`<p class="quiet">The host has ${seen.address}/${seen.prefix}.</p>`}`;
}

function BondDialog() {
  const it = about('bond', 'tune');
  const title = it && (it.bond ? `Edit ${it.bond}` : `Bond ${it.with} with ${it.nic}`);
  return html`<${Dialog} open=${Boolean(it)} title=${title ?? ''} onClose=${close}>${it && html`<${BondForm} key=${title} ...${it}/>`}<//>`;
}

/** @type {(option: string, value: string) => string} */
const named = (option, value) => CHOICES[option][2][Number(value)] ?? value;

/** The options that a form says. What means the same as before stays as it was written. @type {(form: FormData, was: Partial<BondOptions>) => BondOptions} */
function optionsOf(form, was) {
  /** @type {BondOptions} */
  const found = { mode: textOf(form, 'mode') };
  for (const name of FIELDS.slice(1)) if (form.get(name)) found[name] = textOf(form, name);
  for (const name in CHOICES) {
    const before = was[name];
    if (before && found[name] === named(name, before)) found[name] = before;
  }
  for (const pair of textOf(form, 'others').split(/\s+/).filter(Boolean)) {
    const [name, ...value] = pair.split('=');
    found[name] = value.join('=');
  }
  return found;
}

function BondForm({ bond, nic, with: other }) {
  const was = bond ? draft.value.bonds[bond].options : BEGUN;
  const nics = bond ? draft.value.bonds[bond].nics : [other, nic];
  const done = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const options = optionsOf(form, bond ? was : {});
    close();
    if (bond) change(model.tune(draft.value, bond, options), `${bond} changed`);
    else change(model.bond(draft.value, nic, other, textOf(form, 'name'), options), `${form.get('name')} made of ${other} and ${nic}`);
  };
  return html`<form class="ask" onSubmit=${done}>
    ${!bond && html`<${Field} label="Name" name="name" value=${model.freeName(draft.value)} required pattern="bond[0-9A-Za-z_]+" title="bond, and letters, digits or _" autofocus/>`}
    <${Options} was=${was} nics=${nics}/>
    ${bond ? html`<p class="note"><${Icon} name="info"/><span>A bond keeps its name. For another one, break it and make another.</span></p>` : html`<${Cables} nics=${nics}/>`}
    <div class="dlg-f"><button type="button" class="btn ghost" onClick=${close}>Cancel</button><button class="btn primary">${bond ? 'Add to changes' : 'Create bond'}</button></div></form>`;
}

function Cables({ nics: [one, other] }) {
  const cable = (id) => host.value.nics.find((nic) => nic.id === id)?.cable || 'a port that is not known';
  return html`<p class="note"><${Icon} name="info"/><span>${one} is on <b>${cable(one)}</b>, ${other} on <b>${cable(other)}</b>. LACP over two switches needs switches that act as one.</span></p>`;
}

function Options({ was, nics }) {
  const [mode, setMode] = useState(was.mode);
  const others = Object.entries(was).filter(([name]) => !FIELDS.includes(name)).map((pair) => pair.join('='));
  return html`<div class="pair"><${Choice} label="Mode" name="mode" options=${Object.entries(MODES)} value=${mode} onChange=${(event) => setMode(event.currentTarget.value)}/>
      <${Field} label="Look at links every (ms)" name="miimon" type="number" min="0" value=${was.miimon ?? ''} placeholder="kernel’s default"/>
      ${Object.entries(CHOICES).map(([name, [label, modes, values]]) => modes.split(' ').includes(mode) && html`<${Choice} key=${name} label=${label} name=${name} none="Kernel’s default" options=${paired(values)} value=${was[name] && named(name, was[name])}/>`)}
      ${WITH_PRIMARY.split(' ').includes(mode) && html`<${Choice} label="Primary" name="primary" none="None" options=${paired(nics)} value=${was.primary}/>`}</div>
    <${Field} label="Further options" name="others" value=${others.join(' ')} placeholder="such as updelay=200 min_links=1" pattern="\\s*([a-z_]+=\\S+(\\s+|$))*" title="name=value, with blanks between" spellcheck="false"/>`;
}

function LabelDialog() {
  const uplink = about('labels')?.uplink;
  return html`<${Dialog} open=${Boolean(uplink)} title=${uplink ? `Labels of ${uplink}` : ''} onClose=${close}>${uplink && html`<${LabelForm} key=${uplink} uplink=${uplink}/>`}<//>`;
}

function LabelForm({ uplink }) {
  const done = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const desired = [...new Set([...form.getAll('label').map(String), textOf(form, 'new')])].filter(Boolean);
    const next = model.label(host.value, draft.value, uplink, desired);
    close();
    if (!same(next, draft.value)) change(next, `Labels of ${uplink} changed`);
  };
  const known = model.labelsOf(host.value, draft.value);
  const elsewhere = (label) => [draft.value.labels[label]].filter((one) => one && one !== uplink).map((one) => ` · now on ${one}`);
  return html`<form class="ask" onSubmit=${done}><p class="quiet">Every network of the cluster that has a label comes to the NIC or bond that has it, and leaves it with it.</p>
    <ul class="choices">${known.map(([label, networks], n) => html`<li key=${label}><${Check} name="label" value=${label} checked=${draft.value.labels[label] === uplink} autofocus=${n === 0} label=${html`<b>${label}</b><small>${networks.join(', ') || 'No network has it'}${elsewhere(label)}</small>`}/></li>`)}</ul>
    <${Field} label="Another label" name="new" pattern="[0-9A-Za-z_\\-]+" title="Letters, digits, _ and -" spellcheck="false" autofocus=${known.length === 0}/>
    <div class="dlg-f"><button type="button" class="btn ghost" onClick=${close}>Cancel</button><button class="btn primary">Add to changes</button></div></form>`;
}

/** A NIC that has or can have functions. @typedef {Nic & { functions: NonNullable<Nic['functions']> }} Functional */
/** @typedef {{ networks: [string, string][], labels: [string, string][] }} Served */
/** @typedef {{ count: number, all: boolean, networks: string[], labels: string[] }} Desired */

/** @type {(nic: Nic) => string} */
const pathOf = (nic) => `${OVIRT}/hosts/${host.value.id}/nics/${nic.uuid}`;

/** What a NIC's functions serve: networks and labels by name, with their ids. @type {(nic: Nic) => Promise<Served>} */
async function served(nic) {
  const [networks, labels] = await Promise.all([get(`${pathOf(nic)}/virtualfunctionallowednetworks`), get(`${pathOf(nic)}/virtualfunctionallowedlabels`)]);
  return { networks: (networks.network ?? []).map((one) => [one.name, one.id]), labels: (labels.network_label ?? []).map((one) => [one.id, one.id]) };
}

function FunctionsDialog() {
  const id = about('functions')?.nic;
  const nic = id && host.value.nics.find((one) => one.id === id);
  return html`<${Dialog} open=${Boolean(nic)} title=${nic ? `Virtual functions of ${nic.id}` : ''} onClose=${close}>${nic && html`<${Loaded} key=${nic.id} nic=${nic}/>`}<//>`;
}

function Loaded({ nic }) {
  const [found, set] = useState(/** @type {{ data?: Served, error?: Failure }} */ ({}));
  const reload = () => served(nic).then((data) => set({ data }), (error) => set({ error }));
  useEffect(() => { reload(); }, []);
  return html`<${View} of=${{ ...found, reload }}>${(data) => html`<${FunctionsForm} nic=${nic} serves=${data}/>`}<//>`;
}

/** The requests that make of what there is what is desired. @type {(nic: Functional, serves: Served, desired: Desired) => Call[]} */
function requests(nic, serves, desired) {
  const path = pathOf(nic);
  /** @type {['networks' | 'labels', string, (name: string) => object][]} */
  const nouns = [['networks', 'virtualfunctionallowednetworks', (name) => ({ name })], ['labels', 'virtualfunctionallowedlabels', (id) => ({ id })]];
  const said = { ...(desired.count !== nic.functions.count && { number_of_virtual_functions: desired.count }), ...(desired.all !== nic.functions.all && { all_networks_allowed: desired.all }) };
  /** @type {Call[]} */
  const found = Object.keys(said).length ? [{ method: 'POST', path: `${path}/updatevirtualfunctionsconfiguration`, body: { virtual_functions_configuration: said } }] : [];
  if (desired.all) return found;
  for (const [kind, collection, body] of nouns) {
    const was = new Map(serves[kind]);
    for (const name of desired[kind]) if (!was.has(name)) found.push({ method: 'POST', path: `${path}/${collection}`, body: body(name) });
    for (const [name, id] of was) if (!desired[kind].includes(name)) found.push({ method: 'DELETE', path: `${path}/${collection}/${id}` });
  }
  return found;
}

/** The commands that do the same. @type {(nic: Functional, serves: Served, desired: Desired) => string} */
function commands(nic, serves, desired) {
  const [name, was] = [host.value.name, new Map(serves.networks)];
  const fresh = desired.networks.filter((one) => !was.has(one));
  const first = command('host', 'functions', name, nic.id, desired.count, desired.all ? !nic.functions.all && '--for-all' : fresh.flatMap((one) => ['--for', one]));
  const rest = desired.all ? [] : [
    ...[...was.keys()].filter((one) => !desired.networks.includes(one)).map((one) => command('host', 'function-network', 'remove', name, nic.id, one)),
    ...changed(serves.labels.map(([one]) => one), desired.labels).map(([verb, one]) => command('host', 'function-label', verb, name, nic.id, one)),
  ];
  return [first, ...rest].join('\n');
}

/** @type {(was: string[], now: string[]) => [string, string][]} */
const changed = (was, now) => [...now.filter((one) => !was.includes(one)).map(/** @returns {[string, string]} */ (one) => ['add', one]), ...was.filter((one) => !now.includes(one)).map(/** @returns {[string, string]} */ (one) => ['remove', one])];

/** Virtual functions are no part of a setup: they change at once. @param {{ nic: Functional, serves: Served }} props */
function FunctionsForm({ nic, serves }) {
  const [desired, set] = useState({ count: nic.functions.count, all: nic.functions.all, networks: serves.networks.map(([name]) => name), labels: serves.labels.map(([id]) => id) });
  const [{ busy, error }, tell] = useState(/** @type {Made} */ ({}));
  const more = (/** @type {Partial<Desired>} */ part) => set({ ...desired, ...part });
  const calls = requests(nic, serves, desired);
  const send = async (event) => {
    event.preventDefault();
    tell({ busy: true });
    try {
      for (const call of calls) await request(call);
      await load(host.value.id);
      close();
      say(`The virtual functions of ${nic.id} have changed.`);
    } catch (refusal) {
      tell({ error: failure(refusal) });
    }
  };
  return html`<form class="ask" onSubmit=${send}><${Field} label=${`Virtual functions, at most ${nic.functions.most}`} type="number" min="0" max=${nic.functions.most} required autofocus value=${nic.functions.count} onInput=${(event) => more({ count: event.currentTarget.valueAsNumber || 0 })}/>
    <${Choice} label="They serve" options=${[['all', 'all networks'], ['some', 'certain networks']]} value=${desired.all ? 'all' : 'some'} onChange=${(event) => more({ all: event.currentTarget.value === 'all' })}/>
    ${!desired.all && html`<${Names} label="Network" all=${host.value.networks.map((one) => one.id)} names=${desired.networks} set=${(networks) => more({ networks })}/>
      <${Names} label="Label" all=${model.labelsOf(host.value, draft.value).map(([one]) => one)} names=${desired.labels} set=${(labels) => more({ labels })}/>`}
    <p class="note"><${Icon} name="info"/><span>This changes the host at once. The number changes only while no virtual machine has a function of this NIC.</span></p>
    ${error && html`<${Refused} error=${error}/>`}
    ${calls.length > 0 && html`<${Same} calls=${calls.map((call, n) => ({ ...call, cli: n === 0 && commands(nic, serves, desired) }))}/>`}
    <div class="dlg-f"><button type="button" class="btn ghost" onClick=${close}>Cancel</button><${Act} right="configure_host_network" type="submit" class="btn primary" disabled=${busy || calls.length === 0}>${busy ? 'Changing…' : 'Change now'}<//></div></form>`;
}

/** Names that are chosen one by one, of those that there are. */
function Names({ label, all, names, set }) {
  const id = `all-${label}`;
  const add = ({ currentTarget }) => {
    const input = currentTarget.closest('.names').querySelector('input');
    if (input.value && !names.includes(input.value)) set([...names, input.value]);
    input.value = '';
  };
  const enter = (event) => { if (event.key === 'Enter') { event.preventDefault(); add(event); } };
  return html`<div class="names"><${Field} label=${label} list=${id} onKeyDown=${enter}/><button type="button" class="btn" onClick=${add}>Add<span class="sr"> ${label.toLowerCase()}</span></button>
    <datalist id=${id}>${all.filter((one) => !names.includes(one)).map((one) => html`<option key=${one} value=${one}/>`)}</datalist>
    <ul>${names.map((one) => html`<li key=${one} class="pill">${one}<button type="button" class="iconbtn" aria-label=${`Remove ${one}`} onClick=${() => set(names.filter((other) => other !== one))}><${Icon} name="x" size=${14}/></button></li>`)}</ul></div>`;
}
