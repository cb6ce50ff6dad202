// What a network has on the host besides its place: a form. The engine says what is wrong with it before it becomes a change.
import { Dialog } from '../lib/parts.js';
import { html, useState } from '../lib/preact.js';
import { Refused } from '../lib/view.js';
import * as model from '../model/setup.js';
import { change, dialog, draft, host, plan, planned } from './setup-state.js';

const METHODS = {
  v4: { none: 'None', static: 'Static', dhcp: 'DHCP' },
  v6: { none: 'None', static: 'Static', dhcp: 'DHCP', autoconf: 'Stateless autoconfiguration', poly_dhcp_autoconf: 'DHCP and autoconfiguration' },
};
const TITLES = { v4: 'IPv4', v6: 'IPv6' };
const MOST = { v4: 32, v6: 128 };
const EXAMPLES = { v4: ['192.0.2.11', '24', '192.0.2.1'], v6: ['2001:db8::11', '64', '2001:db8::1'] };
const LIMITS = [['share', 'Weighted share', 1, 100], ['upper', 'At most, Mbit/s', 1, 17179], ['real', 'Promised, Mbit/s', 1, 17179]];

const words = (text) => text.split(/[\s,]+/).filter(Boolean);

/** What the form says. `was`: what it began with, of which the form shows all but further custom properties. */
function wish(form, was) {
  const address = (version) => {
    const of = (name) => form.get(`${version}.${name}`)?.trim() ?? '';
    return { method: of('method'), address: of('address'), prefix: of('prefix'), gateway: of('gateway') };
  };
  const { bridge_opts: _, ...others } = was.properties;
  const bridge = form.get('bridge_opts').trim();
  return {
    v4: address('v4'), v6: address('v6'), dns: words(form.get('dns')),
    qos: form.get('qos') === 'own' ? Object.fromEntries(LIMITS.map(([name]) => [name, form.get(name)])) : null,
    properties: { ...(bridge && { bridge_opts: bridge }), ...others },
  };
}

/** Whether the engine's words name what was typed. */
const isNamed = (error, text) => Boolean(error) && words(text ?? '').some((word) => word.length > 2 && error.message.includes(word));

export function AttachmentDialog() {
  const about = dialog.value?.kind === 'edit' ? dialog.value.net : null;
  const close = () => { dialog.value = null; };
  return html`<${Dialog} open=${Boolean(about)} title=${about ? `${about} on ${draft.value.place[about]}` : ''} onClose=${close}>${about && html`<${Form} key=${about} id=${about} close=${close}/>`}<//>`;
}

function Form({ id, close }) {
  const [was] = useState(() => model.configured(host.value, draft.value, id));
  const [own, setOwn] = useState(Boolean(was.qos));
  const [asked, setAsked] = useState({}); // {busy} | {error, next}
  const put = (next) => {
    close();
    change(next, `${id} changed`);
  };
  const send = async (event) => {
    event.preventDefault();
    const next = model.configure(host.value, draft.value, id, wish(new FormData(event.currentTarget), was));
    if (JSON.stringify(next) === JSON.stringify(draft.value)) return close();
    setAsked({ busy: true });
    const { error } = await planned(next);
    if (error && error.message !== plan.value.error?.message) return setAsked({ error, next });
    return put(next);
  };
  return html`<form class="attachment" onSubmit=${send} aria-busy=${Boolean(asked.busy)}>
    ${['v4', 'v6'].map((version) => html`<${Address} key=${version} version=${version} was=${was[version]} seen=${host.value.attachments[id]?.seen[version]} error=${asked.error}/>`)}
    <${Text} name="dns" label="DNS name servers" value=${was.dns.join(', ')} placeholder="those of the network" error=${asked.error}/>
    <fieldset class="even"><legend class="sr">QoS</legend><label>QoS<select name="qos" onChange=${(event) => setOwn(event.currentTarget.value === 'own')}><option value="network" selected=${!own}>As the network defines</option><option value="own" selected=${own}>Own limits on this host</option></select></label>
      ${own && LIMITS.map(([name, label, least, most]) => html`<label key=${name}>${label}<input name=${name} type="number" min=${least} max=${most} required=${name === 'share'} defaultValue=${was.qos?.[name] ?? ''}/></label>`)}</fieldset>
    <${Text} name="bridge_opts" label="Bridge options" value=${was.properties.bridge_opts ?? ''} placeholder="such as forward_delay=1500" error=${asked.error}/>
    ${asked.error && html`<${Refused} error=${asked.error}/>`}
    <div class="dlg-f"><button type="button" class="btn ghost" onClick=${close}>Cancel</button>${asked.error && html`<button type="button" class="btn" onClick=${() => put(asked.next)}>Add all the same</button>`}
      <button class="btn primary" disabled=${asked.busy}>${asked.busy ? 'Asking the engine…' : 'Add to changes'}</button></div></form>`;
}

function Text({ name, label, value, error, ...more }) {
  const [text, set] = useState(value);
  return html`<label class="field">${label}<input name=${name} defaultValue=${value} autocomplete="off" spellcheck="false" aria-invalid=${isNamed(error, text) || undefined} onInput=${(event) => set(event.currentTarget.value)} ...${more}/></label>`;
}

/** How an address of one family comes to be. A static one begins with the address that the host has. */
function Address({ version, was, seen, error }) {
  const [method, setMethod] = useState(was.method);
  const begun = was.method === 'static' || !seen?.address ? was : seen;
  const [address, prefix, gateway] = EXAMPLES[version];
  const title = TITLES[version];
  const of = (name) => `${version}.${name}`;
  return html`<fieldset><legend class="sr">${title}</legend>
    <label>${title}<select name=${of('method')} onChange=${(event) => setMethod(event.currentTarget.value)} autofocus=${version === 'v4'}>${Object.entries(METHODS[version]).map(([name, text]) => html`<option key=${name} value=${name} selected=${name === method}>${text}</option>`)}</select></label>
    ${method === 'static' && html`<${Text} name=${of('address')} label=${`${title} address`} value=${begun.address} required placeholder=${address} error=${error}/>
      <label>Prefix<input name=${of('prefix')} type="number" min="1" max=${MOST[version]} required defaultValue=${begun.prefix || prefix}/></label>
      <${Text} name=${of('gateway')} label=${`${title} gateway`} value=${begun.gateway} placeholder=${`none, or ${gateway}`} error=${error}/>`}
    ${method !== 'static' && seen?.address && html`<p class="quiet">The host has ${seen.address}/${seen.prefix}.</p>`}</fieldset>`;
}
