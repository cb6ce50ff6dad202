// Making and changing bonds, and the labels of NICs and bonds: forms whose results are changes in the basket.
import { Dialog, Icon } from '../lib/parts.js';
import { html, useState } from '../lib/preact.js';
import * as model from '../model/setup.js';
import { MODES } from './setup.js';
import { change, dialog, draft, host } from './setup-state.js';

/** Options with fields of their own, the names of their values by number, and in which modes they are offered. */
const CHOICES = {
  xmit_hash_policy: ['Share by', '2 4', ['layer2', 'layer3+4', 'layer2+3', 'encap2+3', 'encap3+4', 'vlan+srcmac']],
  lacp_rate: ['LACP rate', '4', ['slow', 'fast']],
};
const WITH_PRIMARY = '1 5 6';
const BEGUN = { mode: '4', miimon: '100', xmit_hash_policy: 'layer2+3' };
const FIELDS = ['mode', 'miimon', 'primary', ...Object.keys(CHOICES)];

const close = () => { dialog.value = null; };
const named = (option, value) => CHOICES[option][2][value] ?? value;

/** The options that a form says. What means the same as before stays as it was written. */
function optionsOf(form, was) {
  const found = { mode: form.get('mode') };
  for (const name of FIELDS.slice(1)) if (form.get(name)) found[name] = form.get(name);
  for (const name in CHOICES) if (was[name] && found[name] === named(name, was[name])) found[name] = was[name];
  for (const pair of form.get('others').split(/\s+/).filter(Boolean)) {
    const [name, ...value] = pair.split('=');
    found[name] = value.join('=');
  }
  return found;
}

export function BondDialog() {
  const about = ['bond', 'tune'].includes(dialog.value?.kind) ? dialog.value : null;
  const title = about && (about.bond ? `Edit ${about.bond}` : `Bond ${about.with} with ${about.nic}`);
  return html`<${Dialog} open=${Boolean(about)} title=${title ?? ''} onClose=${close}>${about && html`<${BondForm} key=${title} ...${about}/>`}<//>`;
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
    else change(model.bond(draft.value, nic, other, form.get('name'), options), `${form.get('name')} made of ${other} and ${nic}`);
  };
  return html`<form onSubmit=${done}>
    ${!bond && html`<label class="field">Name<input name="name" value=${model.freeName(draft.value)} required pattern="bond[0-9A-Za-z_]+" title="bond, and letters, digits or _" autofocus/></label>`}
    <${Options} was=${was} nics=${nics}/>
    ${bond ? html`<p class="note"><${Icon} name="info"/><span>A bond keeps its name. For another one, break it and make another.</span></p>` : html`<${Cables} nics=${nics}/>`}
    <div class="dlg-f"><button type="button" class="btn ghost" onClick=${close}>Cancel</button><button class="btn primary">${bond ? 'Add to changes' : 'Create bond'}</button></div></form>`;
}

function Cables({ nics: [one, other] }) {
  const cable = (id) => host.value.nics.find((nic) => nic.id === id).cable || 'a port that is not known';
  return html`<p class="note"><${Icon} name="info"/><span>${one} is on <b>${cable(one)}</b>, ${other} on <b>${cable(other)}</b>. LACP over two switches needs switches that act as one.</span></p>`;
}

function Options({ was, nics }) {
  const [mode, setMode] = useState(was.mode);
  const others = Object.entries(was).filter(([name]) => !FIELDS.includes(name)).map((pair) => pair.join('='));
  return html`<div class="fields"><label>Mode<select name="mode" onChange=${(event) => setMode(event.currentTarget.value)}>${Object.entries(MODES).map(([number, text]) => html`<option key=${number} value=${number} selected=${number === mode}>${text}</option>`)}</select></label>
      <label>Look at links every (ms)<input name="miimon" type="number" min="0" defaultValue=${was.miimon ?? ''} placeholder="kernel’s default"/></label>
      ${Object.entries(CHOICES).map(([name, [label, modes, values]]) => modes.split(' ').includes(mode) && html`<label key=${name}>${label}<select name=${name}><option value="">Kernel’s default</option>${values.map((value) => html`<option key=${value} value=${value} selected=${value === named(name, was[name])}>${value}</option>`)}</select></label>`)}
      ${WITH_PRIMARY.split(' ').includes(mode) && html`<label>Primary<select name="primary"><option value="">None</option>${nics.map((nic) => html`<option key=${nic} value=${nic} selected=${nic === was.primary}>${nic}</option>`)}</select></label>`}</div>
    <label class="field">Further options<input name="others" defaultValue=${others.join(' ')} placeholder="such as updelay=200 min_links=1" pattern="\\s*([a-z_]+=\\S+(\\s+|$))*" title="name=value, with blanks between" autocomplete="off" spellcheck="false"/></label>`;
}

export function LabelDialog() {
  const about = dialog.value?.kind === 'labels' ? dialog.value.uplink : null;
  return html`<${Dialog} open=${Boolean(about)} title=${about ? `Labels of ${about}` : ''} onClose=${close}>${about && html`<${LabelForm} key=${about} uplink=${about}/>`}<//>`;
}

function LabelForm({ uplink }) {
  const done = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const wanted = [...new Set([...form.getAll('label'), form.get('new')])].filter(Boolean);
    const next = model.label(host.value, draft.value, uplink, wanted);
    close();
    if (JSON.stringify(next) !== JSON.stringify(draft.value)) change(next, `Labels of ${uplink} changed`);
  };
  const known = model.labelsOf(host.value, draft.value);
  const place = (label) => draft.value.labels[label];
  return html`<form onSubmit=${done}><p class="quiet">Every network of the cluster that has a label comes to the NIC or bond that has it, and leaves it with it.</p>
    <ul class="choices">${known.map(([label, networks], n) => html`<li key=${label}><label class="opt"><input type="checkbox" name="label" value=${label} defaultChecked=${place(label) === uplink} autofocus=${n === 0}/>
      <span><b>${label}</b><small>${networks.join(', ') || 'No network has it'}${place(label) && place(label) !== uplink && ` · now on ${place(label)}`}</small></span></label></li>`)}</ul>
    <label class="field">Another label<input name="new" pattern="[0-9A-Za-z_\\-]+" title="Letters, digits, _ and -" autocomplete="off" spellcheck="false" autofocus=${known.length === 0}/></label>
    <div class="dlg-f"><button type="button" class="btn ghost" onClick=${close}>Cancel</button><button class="btn primary">Add to changes</button></div></form>`;
}
