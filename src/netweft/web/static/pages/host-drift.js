// The differences of a host from its desired state, and what can be done about them: synchronize, adopt, ignore for a while.
import { OWN, get, post } from '../lib/api.js';
import { HostChange } from '../lib/host-change.js';
import { Act, Dialog, Icon, closeDialog, say } from '../lib/parts.js';
import { html, useState } from '../lib/preact.js';
import { Same, command } from '../lib/same.js';
import { Blank, Moment, Refused, State, Table, View, useData } from '../lib/view.js';
import { sync } from './host-calls.js';
/** @import {Call} from '../model/types.d.ts' */

const HEALING = {
  off: 'is not synchronized until somebody asks for it', harmless: 'is synchronized by itself where that costs no traffic', always: 'is synchronized by itself',
};
const GROUPS = [['networks', 'network'], ['nics', 'NIC'], ['guest_ports', 'vNIC']];
const value = (text) => (text === null ? 'nothing' : text);

/** All differences, each with what has it. */
const linesOf = (drift) => [
  ...GROUPS.flatMap(([key, kind]) => drift[key].flatMap((of) => of.differences.map((one) => ({ ...one, kind, of: of.name })))),
  ...drift.host.map((one) => ({ ...one, kind: 'host', of: '' })),
].map((one) => ({ ...one, id: one.text }));

/** What `HostChange` or `Ignore` takes. @typedef {{ request?: Call, ignore?: object, text?: string, title?: string, verb?: string, cli?: string }} Asking */

export function HostDrift({ host, reload }) {
  const path = `${OWN}/hosts/${host.id}`;
  const found = useData(() => Promise.all([get(`${path}/drift`), get(`${path}/unmanagednetworks`)]).then(([drift, foreign]) => ({ drift, foreign })), [host.id]);
  const [asking, ask] = useState(/** @type {Asking | null} */ (null)); // the dialog stays when the difference disappears
  const done = () => { reload(); found.reload(); };
  const close = () => ask(null);
  return html`<div class="page"><${View} of=${found}>${({ drift, foreign }) => html`<${Differences} host=${host} drift=${drift} ask=${ask} done=${done}/>
      ${foreign.length > 0 && html`<${Foreign} host=${host} rows=${foreign} ask=${ask}/>`}`}<//>
    ${asking?.request && html`<${HostChange} ...${asking} onClose=${close} onDone=${done}><p class="quiet">${asking.text}</p><//>`}
    ${asking?.ignore && html`<${Ignore} host=${host} ...${asking.ignore} onClose=${close} onDone=${done}/>`}</div>`;
}

function Differences({ host, drift, ask, done }) {
  const [picked, setPicked] = useState(/** @type {string[]} */ ([]));
  const lines = linesOf(drift);
  const counted = lines.filter((one) => !one.ignored);
  const ignored = lines.filter((one) => one.ignored);
  const healing = html`<p class="quiet">Drift of hosts of <a href=${`/ui/clusters/${host.cluster.id}`}>${host.cluster.name}</a> ${HEALING[host.cluster.drift_healing] ?? HEALING.off}.</p>`;
  if (!drift.reported_at) return html`<${Blank} title="Unknown">The host has not reported its networks.<//>`;
  const toggle = (text) => setPicked(picked.includes(text) ? picked.filter((one) => one !== text) : [...picked, text]);
  return html`${counted.length === 0 ? html`<div class="calm"><span class="big"><${Icon} name="circle-check" size=${24}/></span><div><h2>No drift</h2>
      <p>The host is in sync${ignored.length > 0 && ', except for ignored differences'}. Checked <${Moment} at=${drift.reported_at}/>.</p>${healing}</div></div>`
    : html`<div class="bar"><${State} kind="warn">${counted.length} ${counted.length === 1 ? 'difference' : 'differences'}<//><span class="quiet">since <${Moment} at=${drift.since}/>, checked <${Moment} at=${drift.reported_at}/></span></div>
      ${healing}${drift.obstacle && html`<div class="notice warn"><${Icon} name="triangle-alert"/><div><b>It cannot be synchronized as it is</b><p>${drift.obstacle}</p></div></div>`}
      <${Answers} host=${host} lines=${counted.filter((one) => picked.includes(one.text))} all=${counted} ask=${ask}/>
      <${Table} label="Differences" columns=${columnsOf(picked, toggle)} rows=${counted}/>`}
    ${ignored.length > 0 && html`<${Ignored} host=${host} lines=${ignored} done=${done}/>`}`;
}

const columnsOf = (picked, toggle) => [
  ['What', (one) => html`<label class="tick"><input type="checkbox" checked=${picked.includes(one.text)} onChange=${() => toggle(one.text)}/><span>${one.what}<span class="sr">: ${one.text}</span></span></label>`],
  ['Of', (one) => (one.of ? `${one.kind} ${one.of}` : 'the host')],
  ['Wanted', (one) => html`<span class="mono">${value(one.wanted)}</span>`],
  ['On the host', (one) => html`<span class="mono bad-t">${value(one.found)}</span>`],
  ['Since', (one) => html`<${Moment} at=${one.since}/>`],
];

/** The three answers. Those about single differences are about all of them where none is picked. */
function Answers({ host, lines, all, ask }) {
  const names = [...new Set(lines.map((one) => one.of).filter(Boolean))];
  const scope = lines.length ? `${lines.length} picked` : 'all';
  const putRight = () => ask({
    title: `Synchronize ${host.name}`, verb: 'Synchronize', text: 'All that differs is put right, and committed.', cli: sync(host).cli, request: sync(host),
  });
  const adopt = () => ask({
    title: `Adopt what ${host.name} has`, verb: 'Adopt', cli: command('host', 'adopt', host.name, names),
    text: `What the host has becomes its configuration${names.length ? `: ${names.join(', ')}. What differs elsewhere is put right.` : '.'}`,
    request: { method: 'POST', path: `${OWN}/hosts/${host.id}/drift/adopt`, body: { names } },
  });
  const ignore = () => ask({ ignore: { lines: lines.length ? lines : all, isAll: !lines.length } });
  return html`<div class="bar"><${Act} right="configure_host_network" class="btn primary" onClick=${putRight}><${Icon} name="refresh-cw"/>Synchronize all…<//>
    <${Act} right="configure_host_network" class="btn" onClick=${adopt}><${Icon} name="check"/>Adopt ${scope}…<//>
    <${Act} right="configure_host_network" class="btn" onClick=${ignore}><${Icon} name="eye"/>Ignore ${scope}…<//></div>`;
}

function Ignore({ host, lines, isAll, onClose, onDone }) {
  const path = `${OWN}/hosts/${host.id}/drift/ignore`;
  const [said, setSaid] = useState({ until: '', reason: '' });
  const [error, setError] = useState(null);
  const set = (name) => (event) => setSaid({ ...said, [name]: event.currentTarget.value });
  const until = said.until && new Date(said.until).toISOString();
  const body = { differences: isAll ? [] : lines.map((one) => one.text), until: until || null, reason: said.reason };
  const send = (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    post(path, body).then(() => { say('Ignored.'); closeDialog({ currentTarget: form }); onDone(); }, setError);
  };
  return html`<${Dialog} open title=${`Ignore ${lines.length} ${lines.length === 1 ? 'difference' : 'differences'}`} onClose=${onClose}><form class="stack" onSubmit=${send}>
    <ul class="lines">${lines.map((one) => html`<li key=${one.text}>${one.text}</li>`)}</ul>
    <label>Until<input type="datetime-local" value=${said.until} onInput=${set('until')}/><small>Empty: for as long as it stays as it is.</small></label>
    <label>Reason<input value=${said.reason} maxlength="1000" onInput=${set('reason')}/></label>
    ${error && html`<${Refused} error=${error}/>`}
    <${Same} method="POST" path=${path} body=${body} cli=${command('host', 'ignore', host.name, body.differences, until && ['--until', until], said.reason && ['--reason', said.reason])}/>
    <div class="dlg-f"><button type="button" class="btn ghost" onClick=${closeDialog}>Cancel</button><button class="btn primary">Ignore</button></div></form><//>`;
}

function Ignored({ host, lines, done }) {
  const [error, setError] = useState(null);
  const count = (one) => post(`${OWN}/hosts/${host.id}/drift/count`, { differences: [one.text] }).then(() => { say('It counts again.'); done(); }, setError);
  const columns = [
    ['Ignored', (one) => html`<span class="wrap">${one.text}</span>`],
    ['By', (one) => one.ignored.user],
    ['Until', (one) => (one.ignored.until ? html`<${Moment} at=${one.ignored.until}/>` : 'it changes')],
    ['Why', (one) => one.ignored.reason || '–'],
    ['Count again', (one) => html`<${Act} right="configure_host_network" class="btn" onClick=${() => count(one)}>Count again<span class="sr">: ${one.text}</span><//>`],
  ];
  return html`<h2>Ignored</h2>${error && html`<${Refused} error=${error}/>`}<${Table} label="Ignored" columns=${columns} rows=${lines}/>`;
}

/** What others made before Netweft came, and what it can become. */
function Foreign({ host, rows, ask }) {
  const takeOver = ({ name, network }) => () => ask({
    title: `Take over ${name} as ${network.name}`, verb: 'Take over', cli: command('host', 'adopt-unmanaged', host.name, `${name}=${network.name}`),
    text: 'It keeps its name and its addresses, and no packet is lost.',
    request: { method: 'POST', path: `${OWN}/hosts/${host.id}/unmanagednetworks/adopt`, body: { networks: [{ name, network: network.name }] } },
  });
  const columns = [
    ['Made by others', (one) => one.name],
    ['NIC', (one) => one.nic || '–'],
    ['VLAN', (one) => one.vlan ?? 'untagged'],
    ['MTU', (one) => one.mtu],
    ['Addresses', (one) => html`<span class="mono">${one.addresses.join(', ') || '–'}</span>`],
    ['Can become', (one) => (one.network ? html`<a href=${`/ui/networks/${one.network.id}`}>${one.network.name}</a>` : '–')],
    ['Take over', (one) => (one.network && !one.problem ? html`<${Act} right="configure_host_network" class="btn" onClick=${takeOver(one)}>Take over<span class="sr"> ${one.name}</span>…<//>` : html`<span class="wrap quiet">${one.problem}</span>`)],
  ];
  return html`<h2>Networks that others made</h2><p class="quiet">Netweft does not touch them. It can take them over as they are.</p>
    <${Table} label="Networks that others made" columns=${columns} rows=${rows.map((one) => ({ ...one, id: one.name }))}/>`;
}
