// The virtual functions of a NIC (SR-IOV): how many, and which networks they serve. They are no part of a setup: they change at once.
import { OVIRT, get, request } from '../lib/api.js';
import { Dialog, Icon, say } from '../lib/parts.js';
import { html, useEffect, useState } from '../lib/preact.js';
import { Same, command } from '../lib/same.js';
import { Refused, View } from '../lib/view.js';
import * as model from '../model/setup.js';
import { dialog, draft, host, load } from './setup-state.js';

const close = () => { dialog.value = null; };
const pathOf = (nic) => `${OVIRT}/hosts/${host.value.id}/nics/${nic.uuid}`;

/** What a NIC's functions serve: networks and labels by name, with their ids. */
async function served(nic) {
  const [networks, labels] = await Promise.all([get(`${pathOf(nic)}/virtualfunctionallowednetworks`), get(`${pathOf(nic)}/virtualfunctionallowedlabels`)]);
  return { networks: (networks.network ?? []).map((one) => [one.name, one.id]), labels: (labels.network_label ?? []).map((one) => [one.id, one.id]) };
}

export function FunctionsDialog() {
  const nic = dialog.value?.kind === 'functions' ? host.value.nics.find((one) => one.id === dialog.value.nic) : null;
  return html`<${Dialog} open=${Boolean(nic)} title=${nic ? `Virtual functions of ${nic.id}` : ''} onClose=${close}>${nic && html`<${Loaded} key=${nic.id} nic=${nic}/>`}<//>`;
}

function Loaded({ nic }) {
  const [found, set] = useState({});
  const reload = () => served(nic).then((data) => set({ data }), (error) => set({ error }));
  useEffect(() => { reload(); }, []);
  return html`<${View} of=${{ ...found, reload }}>${(data) => html`<${Form} nic=${nic} serves=${data}/>`}<//>`;
}

/** The requests that make of what there is what is wanted. */
function requests(nic, serves, wanted) {
  const path = pathOf(nic);
  const noun = { networks: ['virtualfunctionallowednetworks', (name) => ({ name })], labels: ['virtualfunctionallowedlabels', (id) => ({ id })] };
  const said = { ...(wanted.count !== nic.functions.count && { number_of_virtual_functions: wanted.count }), ...(wanted.all !== nic.functions.all && { all_networks_allowed: wanted.all }) };
  const found = Object.keys(said).length ? [{ method: 'POST', path: `${path}/updatevirtualfunctionsconfiguration`, body: { virtual_functions_configuration: said } }] : [];
  if (wanted.all) return found;
  for (const [kind, [collection, body]] of Object.entries(noun)) {
    const was = new Map(serves[kind]);
    for (const name of wanted[kind]) if (!was.has(name)) found.push({ method: 'POST', path: `${path}/${collection}`, body: body(name) });
    for (const [name, id] of was) if (!wanted[kind].includes(name)) found.push({ method: 'DELETE', path: `${path}/${collection}/${id}` });
  }
  return found;
}

/** The commands that do the same. */
function commands(nic, serves, wanted) {
  const [name, was] = [host.value.name, new Map(serves.networks)];
  const fresh = wanted.networks.filter((one) => !was.has(one));
  const first = command('host', 'functions', name, nic.id, wanted.count, wanted.all ? !nic.functions.all && '--for-all' : fresh.flatMap((one) => ['--for', one]));
  const rest = wanted.all ? [] : [
    ...[...was.keys()].filter((one) => !wanted.networks.includes(one)).map((one) => command('host', 'function-network', 'remove', name, nic.id, one)),
    ...changed(serves.labels.map(([one]) => one), wanted.labels).map(([verb, one]) => command('host', 'function-label', verb, name, nic.id, one)),
  ];
  return [first, ...rest].join('\n');
}

const changed = (was, now) => [...now.filter((one) => !was.includes(one)).map((one) => ['add', one]), ...was.filter((one) => !now.includes(one)).map((one) => ['remove', one])];

function Form({ nic, serves }) {
  const [wanted, set] = useState({ count: nic.functions.count, all: nic.functions.all, networks: serves.networks.map(([name]) => name), labels: serves.labels.map(([id]) => id) });
  const [{ busy, error }, tell] = useState({});
  const more = (part) => set({ ...wanted, ...part });
  const calls = requests(nic, serves, wanted);
  const send = async (event) => {
    event.preventDefault();
    tell({ busy: true });
    try {
      for (const call of calls) await request(call);
      await load(host.value.id);
      close();
      say(`The virtual functions of ${nic.id} have changed.`);
    } catch (refusal) {
      tell({ error: refusal });
    }
  };
  return html`<form onSubmit=${send}><label class="field">Virtual functions, at most ${nic.functions.most}<input type="number" min="0" max=${nic.functions.most} required autofocus value=${wanted.count} onInput=${(event) => more({ count: event.currentTarget.valueAsNumber || 0 })}/></label>
    <label class="field">They serve<select onChange=${(event) => more({ all: event.currentTarget.value === 'all' })}><option value="all" selected=${wanted.all}>all networks</option><option value="some" selected=${!wanted.all}>certain networks</option></select></label>
    ${!wanted.all && html`<${Names} label="Network" all=${host.value.networks.map((one) => one.id)} names=${wanted.networks} set=${(networks) => more({ networks })}/>
      <${Names} label="Label" all=${model.labelsOf(host.value, draft.value).map(([one]) => one)} names=${wanted.labels} set=${(labels) => more({ labels })}/>`}
    <p class="note"><${Icon} name="info"/><span>This changes the host at once. The number changes only while no virtual machine has a function of this NIC.</span></p>
    ${error && html`<${Refused} error=${error}/>`}
    ${calls.length > 0 && html`<${Same} calls=${calls.map((call, n) => ({ ...call, cli: n === 0 && commands(nic, serves, wanted) }))}/>`}
    <div class="dlg-f"><button type="button" class="btn ghost" onClick=${close}>Cancel</button><button class="btn primary" disabled=${busy || calls.length === 0}>${busy ? 'Changing…' : 'Change now'}</button></div></form>`;
}

/** Names that are chosen one by one, of those that there are. */
function Names({ label, all, names, set }) {
  const [text, type] = useState('');
  const id = `all-${label}`;
  const add = () => {
    if (text && !names.includes(text)) set([...names, text]);
    type('');
  };
  const enter = (event) => { if (event.key === 'Enter') { event.preventDefault(); add(); } };
  return html`<div class="names"><label class="field">${label}<input list=${id} value=${text} onInput=${(event) => type(event.currentTarget.value)} onKeyDown=${enter} autocomplete="off"/></label><button type="button" class="btn" onClick=${add}>Add<span class="sr"> ${label.toLowerCase()}</span></button>
    <datalist id=${id}>${all.filter((one) => !names.includes(one)).map((one) => html`<option key=${one} value=${one}/>`)}</datalist>
    <ul>${names.map((one) => html`<li key=${one} class="pill">${one}<button type="button" class="iconbtn" aria-label=${`Remove ${one}`} onClick=${() => set(names.filter((other) => other !== one))}><${Icon} name="x" size=${14}/></button></li>`)}</ul></div>`;
}
