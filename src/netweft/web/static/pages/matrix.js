// The matrix of networks and clusters: which cluster has, requires and uses which network, changed by mouse or by keys, and applied together.
import { OVIRT, OWN, failure, get, request, searching } from '../lib/api.js';
import { Choice } from '../lib/form.js';
import { Pages } from '../lib/list.js';
import { Act, Dialog, Icon, elements, say } from '../lib/parts.js';
import { Planned, planOf } from '../lib/plan.js';
import { html, useEffect, useRef, useState } from '../lib/preact.js';
import { filter, pageNumber, query } from '../lib/router.js';
import { Same } from '../lib/same.js';
import { Blank, Find, Head, Refused, State, View, useData } from '../lib/view.js';
import { between, cellsOf, changes, fill, keyOf, mayBe, require, toggle, desired, withCell } from '../model/matrix.js';
import { Cells, RequestedAddresses, wishOf } from './cells.js';
import { Areas } from './clusters.js';
import { ROLES } from './networks.js';
/** @import {Cell, Column, Failure, Matrix as Shown, MatrixChange, MatrixDraft, Plan, Row, Desired} from '../model/types.d.ts' */

const COLUMNS = 30;
const ROWS = 100;
const DRAFT = 'netweft.matrix';
const SHORT = { management: 'M', migration: 'Mi', display: 'D', default_route: 'R', gluster: 'G' };
/** @typedef {[number, number]} At */
/** @typedef {{ key: string, plan?: Plan, error?: Failure, done?: boolean }} Review */
/** @typedef {{ matrix: Shown, draft: MatrixDraft, setDraft: (next: MatrixDraft) => void, reload: () => void }} Props */

/** @type {() => MatrixDraft} */
const stored = () => JSON.parse(sessionStorage.getItem(DRAFT) ?? '{}');

/** The draft of desired differences, which stays in this tab of the browser, and how to take back what was done last.
 * @returns {[MatrixDraft, (next: MatrixDraft) => void, () => boolean]} */
function useDraft() {
  const [draft, set] = useState(stored);
  const past = useRef(/** @type {MatrixDraft[]} */ ([]));
  const keep = (next) => { sessionStorage.setItem(DRAFT, JSON.stringify(next)); set(next); };
  const undo = () => {
    const before = past.current.pop();
    if (before) keep(before);
    return Boolean(before);
  };
  return [draft, (next) => { past.current.push(draft); keep(next); }, undo];
}

export function Matrix() {
  const [center, networks, clusters] = ['datacenter', 'networks', 'clusters'].map((name) => query.value.get(name) ?? '');
  const page = pageNumber.value;
  const asked = { datacenter: center, networks: `${searching(networks)} page ${page}`.trim(), clusters: searching(clusters), max: ROWS, columns: COLUMNS };
  const found = useData(() => Promise.all([get(`${OWN}/matrix`, asked), get(`${OVIRT}/datacenters`)]), [center, networks, clusters, page]);
  const [draft, setDraft, undo] = useDraft();
  const narrow = (name) => (text) => { filter('page', ''); filter(name, text); };
  const asTable = query.value.get('view') === 'table';
  const nothing = ([matrix]) => !(matrix.networks.length && matrix.clusters.length) && html`<${Blank} title="Nothing matches"><button type="button" class="btn" onClick=${() => ['networks', 'clusters', 'datacenter', 'page'].forEach((name) => filter(name, ''))}>Clear the filter</button><//>`;
  return html`<${Head} title="Networks of clusters"><${Areas} at="matrix"/><//><div class="page">
    <div class="bar"><${Find} label="Networks: part of a name" value=${networks} onChange=${narrow('networks')}/><${Find} label="Clusters: part of a name" value=${clusters} onChange=${narrow('clusters')}/>
      <${Centers} of=${found.data?.[1].data_center ?? []} value=${center} onChange=${narrow('datacenter')}/><span class="grow"></span>
      <button type="button" class="btn" aria-pressed=${asTable} onClick=${() => filter('view', asTable ? '' : 'table')}><${Icon} name="scroll-text"/>As a table</button></div>
    <${View} of=${found} empty=${nothing}>${([matrix]) => html`<${Window} matrix=${matrix} draft=${draft} setDraft=${setDraft} undo=${undo} asTable=${asTable} reload=${found.reload}/>
      <${Pages} page=${page} more=${matrix.networks_total > page * ROWS}/>`}<//></div>`;
}

const Centers = ({ of, value, onChange }) => of.length > 1 && html`<${Choice} label="Data center" value=${value} none="all" options=${of.map((one) => [one.id, one.name])} onChange=${(event) => onChange(event.currentTarget.value)}/>`;

/** @param {Props & { undo: () => boolean, asTable: boolean }} props */
function Window({ matrix, draft, setDraft, undo, asTable, reload }) {
  const over = matrix.clusters_total > matrix.clusters.length;
  const list = changes(matrix, draft);
  return html`${over && html`<p class="notice warn" role="status"><${Icon} name="info"/><span>${matrix.clusters_total} clusters: the first ${matrix.clusters.length} are shown. Filter the clusters to see others.</span></p>`}
    <div class="matrix ${list.length ? 'has-basket' : ''}">${asTable ? html`<${Cells} label="Cells" rows=${rowsOf(matrix)} by=${['network', 'cluster']} reload=${reload}/>` : html`<${Grid} matrix=${matrix} draft=${draft} setDraft=${setDraft} undo=${undo}/>`}
      ${list.length > 0 && html`<${Basket} list=${list} matrix=${matrix} draft=${draft} setDraft=${setDraft} reload=${reload}/>`}</div>`;
}

/** @type {(matrix: Shown) => { id: string, network: Row, cluster: Column, cell?: Cell }[]} */
function rowsOf(matrix) {
  const cells = cellsOf(matrix);
  return matrix.networks.flatMap((network) => matrix.clusters.filter((cluster) => mayBe(network, cluster)).map((cluster) => ({ id: keyOf(network, cluster), network, cluster, cell: cells.get(keyOf(network, cluster)) })));
}

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -Infinity], End: [0, Infinity] };
const clamp = (n, most) => Math.max(0, Math.min(most, n));

/** @param {Omit<Props, 'reload'> & { undo: () => boolean }} props */
function Grid({ matrix, draft, setDraft, undo }) {
  const [at, setAt] = useState(/** @type {At} */ ([0, 0]));
  const [open, setOpen] = useState(/** @type {At | null} */ (null)); // the key of the cell whose roles are chosen
  /** @type {{ current: HTMLElement }} */
  const grid = useRef();
  const last = useRef(''); // the key of the cell that was changed last: filling copies its value
  const cells = cellsOf(matrix);
  const [row, column] = [clamp(at[0], matrix.networks.length - 1), clamp(at[1], matrix.clusters.length - 1)];
  /** @type {(one: At) => [Row, Column]} */
  const here = (one) => [matrix.networks[one[0]], matrix.clusters[one[1]]];
  const focus = (/** @type {At} */ one) => { setAt(one); elements(grid.current, `[data-cell="${one.join(',')}"]`)[0].focus(); };
  /** @type {(one: At, how: (draft: MatrixDraft, key: string, cell?: Cell) => MatrixDraft) => void} */
  const change = (one, how) => {
    const [network, cluster] = here(one);
    if (!mayBe(network, cluster)) return say('They are in different data centers.');
    const key = keyOf(network, cluster);
    const next = how(draft, key, cells.get(key));
    last.current = key;
    setDraft(next);
    return say(`${network.name} in ${cluster.name}: ${wordsOf(desired(next, key, cells.get(key))).join(', ') || 'not attached'}`);
  };
  /** Have cells attached and required, or not attached, as one of them is. @type {(from: At, places: At[]) => void} */
  const fillFrom = (from, places) => {
    const key = keyOf(...here(from));
    const value = desired(draft, key, cells.get(key));
    setDraft(fill(matrix, draft, places, value));
    say(`${places.length} cells: ${wordsOf(value && { ...value, roles: [] }).join(', ') || 'not attached'}`);
  };
  /** From the cell that was changed last, where it is shown; else it is the first. @type {(one: At) => void} */
  const fillTo = (one) => {
    const [network, cluster] = last.current.split('/');
    const from = /** @type {At} */ ([matrix.networks.findIndex(({ id }) => id === network), matrix.clusters.findIndex(({ id }) => id === cluster)]);
    if (from.includes(-1)) change(one, toggle);
    else fillFrom(from, between(from, one));
  };
  const wholeRow = () => fillFrom([row, column], between([row, 0], [row, matrix.clusters.length - 1]));
  const wholeColumn = () => fillFrom([row, column], between([0, column], [matrix.networks.length - 1, column]));
  /** @type {(event: FocusEvent) => void} */
  const come = (event) => { // however it came there, as screen readers do by themselves
    const place = event.target instanceof HTMLElement && event.target.dataset.cell;
    if (place) setAt(/** @type {At} */ (place.split(',').map(Number)));
  };
  const press = (event) => {
    const withCtrl = (event.ctrlKey || event.metaKey) && { a: wholeRow, z: () => say(undo() ? 'Undone.' : 'There is nothing to undo.') }[event.key];
    if (withCtrl) {
      event.preventDefault();
      withCtrl();
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = { ' ': () => (event.shiftKey ? fillTo([row, column]) : change([row, column], toggle)), c: wholeColumn, r: () => change([row, column], require), Enter: () => mayBe(...here([row, column])) && setOpen([row, column]) }[event.key];
    const move = MOVES[event.key];
    if (!act && !move) return;
    event.preventDefault();
    if (act) act();
    else focus([clamp(row + move[0], matrix.networks.length - 1), clamp(column + move[1], matrix.clusters.length - 1)]);
  };
  return html`<div class="card grid-x" ref=${grid}><table class="grid" role="grid" aria-label="Networks and clusters" aria-describedby="h-legend" onKeyDown=${press} onFocusIn=${come}>
      <thead><tr><th scope="col">Network</th>${matrix.clusters.map((cluster) => html`<th key=${cluster.id} scope="col"><a href=${`/ui/clusters/${cluster.id}`} tabindex="-1">${cluster.name}</a><small>${cluster.hosts} ${cluster.hosts === 1 ? 'host' : 'hosts'}</small></th>`)}</tr></thead>
      <tbody>${matrix.networks.map((network, r) => html`<tr key=${network.id}><th scope="row"><a href=${`/ui/networks/${network.id}`} tabindex="-1">${network.name}</a><small>${network.vlan === null ? 'untagged' : `VLAN ${network.vlan}`}</small></th>
        ${matrix.clusters.map((cluster, c) => html`<${GridCell} key=${cluster.id} place=${[r, c]} isHere=${r === row && c === column} cell=${cells.get(keyOf(network, cluster))} value=${desired(draft, keyOf(network, cluster), cells.get(keyOf(network, cluster)))}
          isChanged=${keyOf(network, cluster) in draft} may=${mayBe(network, cluster)} onChoose=${(event) => { setAt([r, c]); if (event.shiftKey) fillTo([r, c]); else change([r, c], toggle); }}/>`)}</tr>`)}</tbody></table>
      <${Legend}/></div>
    <${RolesDialog} open=${open} here=${open && here(open)} cells=${cells} draft=${draft} close=${() => { setOpen(null); focus([row, column]); }} set=${(value) => open && change(open, (old, key, cell) => withCell(old, key, cell, value))}/>`;
}

/** What a cell says, in words. @type {(value: Desired | null) => string[]} */
const wordsOf = (value) => (value ? ['attached', value.required ? 'required' : 'optional', ...value.roles.map((role) => ROLES[role].toLowerCase())] : []);

function GridCell({ place, isHere, cell, value, isChanged, may, onChoose }) {
  const wrong = value && cell ? cell.out_of_sync + cell.missing : 0;
  const said = !may ? 'not possible' : [...wordsOf(value), isChanged && 'changed', cell?.out_of_sync && `${cell.out_of_sync} out of sync`, cell?.missing && `${cell.missing} missing`].filter(Boolean).join(', ') || 'not attached';
  return html`<td data-cell=${place.join(',')} tabindex=${isHere ? 0 : -1} class=${`${isChanged ? 'changed' : ''} ${may ? '' : 'never'}`} onClick=${may ? onChoose : undefined} title=${said}><span class="sr">${said}</span>
    <span class="in" aria-hidden="true">${value ? html`<${Icon} name="check" size=${14}/>${value.required && html`<b>Req</b>`}${value.roles.map((role) => html`<i key=${role} class="tag r-${role}">${SHORT[role]}</i>`)}${wrong > 0 && html`<em>${wrong}!</em>`}` : may ? '–' : ''}</span></td>`;
}

const Legend = () => html`<p class="legend" id="h-legend"><span><${Icon} name="check" size=${14}/> attached</span><span><b>Req</b> required</span>${Object.entries(SHORT).map(([role, short]) => html`<span key=${role}><i class="tag r-${role}">${short}</i> ${ROLES[role].toLowerCase()}</span>`)}
  <span><em>2!</em> hosts without it, or out of sync</span><span><kbd>Space</kbd> attach or detach</span><span><kbd>r</kbd> required</span><span><kbd>Enter</kbd> roles</span>
  <span><kbd>Shift</kbd> click or <kbd>Shift</kbd> <kbd>Space</kbd> fills from the last change to here</span><span><kbd>Ctrl A</kbd> fills the row, <kbd>c</kbd> the column as this cell</span><span><kbd>Ctrl Z</kbd> undo</span></p>`;

/** @param {{ open: At | null, here: [Row, Column] | null, cells: Map<string, Cell>, draft: MatrixDraft, close: () => void, set: (value: Desired) => void }} props */
function RolesDialog({ open, here, cells, draft, close, set }) {
  const shut = useRef(close);
  shut.current = close;
  const done = (event) => {
    event.preventDefault();
    set(wishOf(new FormData(event.currentTarget)));
    close();
  };
  const key = here ? keyOf(...here) : '';
  return html`<${Dialog} open=${Boolean(open)} title=${here ? `${here[0].name} in ${here[1].name}` : ''} onClose=${() => shut.current()}>
    ${here && html`<form class="ask" onSubmit=${done}><${RequestedAddresses} cell=${desired(draft, key, cells.get(key))}/>
      <div class="dlg-f"><button type="button" class="btn ghost" onClick=${close}>Cancel</button><button class="btn primary">Take over</button></div></form>`}<//>`;
}

const counted = (n) => `${n} ${n === 1 ? 'change' : 'changes'}`;
/** @type {(draft: MatrixDraft, key: string) => MatrixDraft} */
const without = (draft, key) => { const { [key]: _, ...rest } = draft; return rest; };

/** Where the changes go from the screen, their buttons go as well. */
const backToGrid = () => elements(document, '.grid [tabindex="0"]')[0]?.focus();

/** The changes of `list`. Each is reviewed and applied by itself: what one of them is refused for does not undo those before it.
 * @param {Props & { list: MatrixChange[] }} props */
function Basket({ list, draft, setDraft, reload }) {
  const [made, set] = useState(/** @type {Review[] | null} */ (null)); // [{key, plan} | {key, error}], in the order of the list
  const [busy, setBusy] = useState('');
  const sent = JSON.stringify(list.map((one) => one.call));
  useEffect(() => set(null), [sent]);
  const of = (/** @type {{ key: string }} */ one) => made?.find((each) => each.key === one.key);
  const isReady = made && list.every((one) => of(one)?.plan);
  const review = async () => {
    setBusy('Planning…');
    /** @type {Review[]} */
    const found = [];
    for (const { key, call } of list) found.push(await planOf(call).then((plan) => ({ key, plan }), (error) => ({ key, error })));
    set(found);
    setBusy('');
  };
  const apply = async () => {
    setBusy('Applying…');
    const ended = await applyAll(list, of);
    const done = ended.filter((one) => one.done);
    say(done.length === list.length ? `${counted(done.length)} applied.` : `${done.length} of ${counted(list.length)} applied, the rest not.`);
    setBusy('');
    setDraft(done.reduce((rest, one) => without(rest, one.key), draft));
    set(ended.filter((one) => !one.done));
    reload();
    if (done.length === list.length) backToGrid();
  };
  const drop = (next) => () => { setDraft(next); backToGrid(); };
  return html`<aside class="basket matrix-basket" aria-labelledby="h-mb"><div class="pane-h"><h2 id="h-mb">Changes</h2><span class="count-n hotn">${list.length}</span></div>
    <div class="scroll"><ul class="chg">${list.map((one) => html`<li key=${one.key}><span class="vi ${one.icon}"><${Icon} name=${one.icon}/></span><span><b>${one.verb}</b> ${one.what}<small>${one.how}</small><${Outcome} of=${of(one)}/></span>
        <button type="button" class="iconbtn" aria-label=${`Undo: ${one.verb} ${one.what} ${one.how}`} onClick=${drop(without(draft, one.key))}><${Icon} name="x"/></button></li>`)}</ul>
      <${Same} calls=${list.map((one) => one.call)}/></div>
    <div class="foot"><div class="two"><button type="button" class="btn ghost" onClick=${drop({})}>Discard</button>
      ${isReady ? html`<${Act} right="assign_cluster_network" class="btn primary" disabled=${Boolean(busy)} onClick=${apply}>${busy || `Apply ${counted(list.length)}`}<//>` : html`<button type="button" class="btn primary" disabled=${Boolean(busy)} onClick=${review}>${busy || 'Review'}</button>`}</div></div></aside>`;
}

/** Make changes one after the other until one is refused. @type {(list: MatrixChange[], of: (one: { key: string }) => Review | undefined) => Promise<Review[]>} */
async function applyAll(list, of) {
  /** @type {Review[]} */
  const ended = [];
  for (const { key, call } of list) {
    const plan = of({ key })?.plan;
    if (!plan) break;
    try {
      await request(call, { 'Netweft-Plan': plan.id });
      ended.push({ key, done: true });
    } catch (error) {
      ended.push({ key, error: failure(error) });
      break;
    }
  }
  return ended;
}

function Outcome({ of }) {
  if (!of) return null;
  if (of.error) return html`<${Refused} error=${of.error}/>`;
  const { summary, others } = of.plan;
  if (!summary.hosts && !others.length) return html`<${State} kind="ok">no host has to do anything<//>`;
  return html`<details class="fold"><summary>${summary.changed} of ${summary.hosts} ${summary.hosts === 1 ? 'host' : 'hosts'}</summary><${Planned} plan=${of.plan}/></details>`;
}
