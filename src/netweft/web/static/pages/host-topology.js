// How guests of a host reach the physical switches: as a picture whose paths can be followed, and as a table that says the same.
import { OWN, get } from '../lib/api.js';
import { Pages } from '../lib/list.js';
import { Icon, elements } from '../lib/parts.js';
import { html, useEffect, useLayoutEffect, useRef, useState } from '../lib/preact.js';
import { filter, pageNumber, query } from '../lib/router.js';
import { Blank, State, Table, View, useData } from '../lib/view.js';
import { MANY, groupsOf, pathOf, rowsOf, topologyOf, wordsOf } from '../model/topology.js';
/** @import {ApiTopology, Topology} from '../model/types.d.ts' */

/** @typedef {Topology & { tree: ApiTopology }} Data */
/** @typedef {{ width: number, height: number, paths: [string, string, string][] }} Lines */

const PAGE = 100;
const ICONS = { guest: 'monitor', vnic: 'cable', network: 'network', bond: 'link', nic: 'ethernet-port', port: 'server' };
const speed = (nic) => (nic.speed ? `${nic.speed / 1000}G` : '');

const select = (key) => () => filter('sel', query.value.get('sel') === key ? '' : key);

export function HostTopology({ host }) {
  const found = useData(() => get(`${OWN}/hosts/${host.id}/topology`).then((tree) => ({ tree, ...topologyOf(tree) })), [host.id]);
  const isTable = query.value.get('view') === 'table';
  const view = (name, text, isOn) => html`<button type="button" class="btn" aria-pressed=${isOn} onClick=${() => filter('view', name)}>${text}</button>`;
  return html`<div class="page"><${View} of=${found} empty=${(data) => !data.nodes.size && html`<${Blank} title="Unknown">The host has not reported its networks.<//>`}>${(data) => html`
    <div class="bar">${view('', 'Picture', !isTable)}${view('table', 'Table', isTable)}<${Path} data=${data}/></div>
    ${!data.tree.lldp && html`<p class="fine"><${Icon} name="info" size=${14}/>lldpd does not run on this host, so that its switch ports are unknown.</p>`}
    ${isTable ? html`<${Rows} data=${data}/>` : html`<${Picture} data=${data}/>`}`}<//></div>`;
}

/** What is selected, and its path in words. */
function Path({ data }) {
  const key = query.value.get('sel') ?? '';
  const node = data.nodes.get(key);
  if (!node) return html`<span class="quiet" role="status">${key ? 'What was selected is not here any more.' : 'Select anything to see its path. Arrow keys follow the lines.'}</span>`;
  return html`<p class="path" role="status"><b>${node.guest ? `${node.guest} ${node.name}` : node.name}</b> ${wordsOf(data, key)}</p>
    ${node.kind === 'guest' && html`<a href=${`/ui/vms/${node.id}`}>Open the VM</a>`}${node.kind === 'network' && html`<a href=${`/ui/networks/${node.id}`}>Open the network</a>`}
    <button type="button" class="btn ghost" onClick=${select(key)}>Clear</button>`;
}

const marks = (path, key, selected) => `${!path ? '' : path.has(key) ? 'lit' : 'dim'} ${key === selected ? 'chosen' : ''}`;

/** One thing of the picture. */
function Node({ node, path, children, class: more = '' }) {
  const selected = query.value.get('sel');
  return html`<button type="button" class="node ${more} ${marks(path, node.key, selected)}" data-item data-node=${node.key} tabindex="-1" aria-pressed=${selected === node.key} onClick=${select(node.key)}>
    <${Icon} name=${ICONS[node.kind]}/><span class="node-name">${node.name}</span>${children}</button>`;
}

const Down = () => html`<${State} kind="bad">down<//>`;

function GuestCard({ guest, path }) {
  return html`<div class="card group"><${Node} node=${guest} path=${path} class="lead">${guest.status !== 'up' && html`<span class="quiet">${guest.status.replaceAll('_', ' ')}</span>`}<//>
    ${guest.vnics.map((one) => html`<${Node} key=${one.key} node=${one} path=${path}><span class="quiet">${one.plugged ? (one.linked ? one.mac : 'link down') : 'unplugged'}</span><//>`)}</div>`;
}

/** All guests, or where there are many, those of the network that is open. */
function Guests({ data, path }) {
  if (data.guests.length <= MANY) return data.guests.map((guest) => html`<${GuestCard} key=${guest.key} guest=${guest} path=${path}/>`);
  const open = query.value.get('open');
  return groupsOf(data).map((group) => html`<div key=${group.key} class="stack"><button type="button" class="node card" data-item data-node=${`group:${group.key}`} tabindex="-1" aria-expanded=${open === group.key}
      onClick=${() => filter('open', open === group.key ? '' : group.key)}><${Icon} name="monitor"/><span class="node-name">${group.name}</span><span class="quiet">${group.guests.length} guests</span></button>
    ${open === group.key && group.guests.map((guest) => html`<${GuestCard} key=${guest.key} guest=${guest} path=${path}/>`)}</div>`);
}

function Uplink({ one, path }) {
  if (one.kind === 'nic') return html`<div class="card group"><${Nic} nic=${one} path=${path}/></div>`;
  return html`<div class="card group"><${Node} node=${one} path=${path} class="lead">${one.up ? html`<span class="quiet">${one.mode}</span>` : html`<${Down}/>`}<//>${one.nics.map((nic) => html`<${Nic} key=${nic.key} nic=${nic} path=${path}/>`)}</div>`;
}

const Nic = ({ nic, path }) => html`<${Node} node=${nic} path=${path}>${nic.up ? html`<span class="quiet">${speed(nic)}</span>` : html`<${Down}/>`}<//>`;

function Picture({ data }) {
  const path = pathOf(data, query.value.get('sel') ?? '');
  /** @type {{ current: HTMLElement }} */
  const board = useRef();
  const lines = useLines(data, board);
  useTabStops(data, board);
  const column = (title, none, children) => html`<section class="column" aria-label=${title}><h2>${title}</h2>${children.length ? children : html`<p class="quiet">${none}</p>`}</section>`;
  return html`<div class="scroll-x board-x"><div class="board" ref=${board} onKeyDown=${(event) => follow(event, data)}>
    <svg class="lines-of" aria-hidden="true" width=${lines.width} height=${lines.height}>${lines.paths.map(([from, to, d]) => html`<path key=${`${from} ${to}`} d=${d} class=${!path ? '' : path.has(from) && path.has(to) ? 'lit' : 'dim'}/>`)}</svg>
    ${column('Guests', 'No guest runs here.', Guests({ data, path }))}
    ${column('Networks', 'The host has no networks.', data.networks.map((one) => html`<div key=${one.key} class="card group"><${Node} node=${one} path=${path}><span class="quiet">${[one.tag, one.bridge && one.bridge !== one.name && one.bridge].filter(Boolean).join(' · ')}</span>${!one.present && html`<span class="tag">${one.uplink ? 'not there yet' : 'not carried'}</span>`}<//></div>`))}
    ${column('Bonds and NICs', 'The host reports no NICs.', data.uplinks.map((one) => html`<${Uplink} key=${one.key} one=${one} path=${path}/>`))}
    ${column('Switch ports', data.tree.lldp ? 'No switch announces a port.' : 'Unknown.', data.switches.map((one) => html`<div key=${one.name} class="card group"><h3>${one.name}</h3>${one.ports.map((port) => html`<${Node} key=${port.key} node=${port} path=${path}/>`)}</div>`))}
  </div></div>`;
}

/** The edges, from where the elements of their ends are: {width, height, paths: [[from, to, d]]}. @type {(data: Data, board: { current: HTMLElement }) => Lines} */
function useLines(data, board) {
  const [lines, set] = useState(/** @type {Lines} */ ({ width: 0, height: 0, paths: [] }));
  const open = query.value.get('open');
  useLayoutEffect(() => {
    const draw = () => set(linesIn(board.current, data));
    const watch = new ResizeObserver(draw);
    watch.observe(board.current);
    draw();
    return () => watch.disconnect();
  }, [data, open]);
  return lines;
}

/** @type {(board: HTMLElement, data: Data) => Lines} */
function linesIn(board, data) {
  const origin = board.getBoundingClientRect();
  const boxes = new Map(elements(board, '[data-node]').map((one) => [one.dataset.node, one.getBoundingClientRect()]));
  const groups = data.guests.length > MANY ? groupsOf(data).map((one) => [`group:${one.key}`, one.to ?? '']) : [];
  const edges = [...data.right].flatMap(([from, all]) => all.map((to) => [from, to])).concat(groups);
  const paths = edges.flatMap(([from, to]) => lineOf(from, to, boxes.get(from), boxes.get(to), origin));
  return { width: board.scrollWidth, height: board.scrollHeight, paths };
}

/** The line of an edge, if both its ends are shown. @type {(from: string, to: string, a: DOMRect | undefined, b: DOMRect | undefined, origin: DOMRect) => Lines['paths']} */
const lineOf = (from, to, a, b, origin) => (a && b ? [[from, to, curve(a, b, origin)]] : []);

/** A line from the right side of a box to the left one of another. A NIC is below its bond: that line goes along their left sides. @type {(from: DOMRect, to: DOMRect, origin: DOMRect) => string} */
function curve(from, to, { left, top }) {
  const [y1, y2] = [from, to].map((box) => Math.round(box.top + box.height / 2 - top));
  if (to.left < from.right) { const x = Math.round(from.left - left); return `M${x} ${y1} h-7 V${y2} h7`; }
  const [x1, x2] = [Math.round(from.right - left), Math.round(to.left - left)];
  return `M${x1} ${y1} C ${x1 + (x2 - x1) / 2} ${y1}, ${x1 + (x2 - x1) / 2} ${y2}, ${x2} ${y2}`;
}

/** One stop of the Tab key in each column: what is selected there, or the first. */
function useTabStops(data, board) {
  const selected = query.value.get('sel');
  const open = query.value.get('open');
  useEffect(() => {
    for (const column of board.current.querySelectorAll('.column')) {
      const all = [...column.querySelectorAll('[data-item]')];
      const stop = all.find((one) => one.dataset.node === selected) ?? all[0];
      all.forEach((one) => { one.tabIndex = one === stop ? 0 : -1; });
    }
  }, [data, selected, open]);
}

/** Arrow keys: up and down in a column, left and right along the lines. */
function follow(event, data) {
  const here = event.target.closest('[data-node]');
  if (!here) return;
  if (event.key === 'Escape') { filter('sel', ''); return; }
  const all = [...here.closest('.column').querySelectorAll('[data-item]')];
  const at = all.indexOf(here);
  const to = { ArrowDown: () => all[at + 1], ArrowUp: () => all[at - 1], ArrowRight: () => next(event.currentTarget, data, here.dataset.node, 'right'), ArrowLeft: () => next(event.currentTarget, data, here.dataset.node, 'left') }[event.key]?.();
  if (!to) return;
  event.preventDefault();
  to.focus();
}

function next(board, data, key, way) {
  const node = data.nodes.get(key);
  const starts = node?.kind === 'guest' ? node.vnics.map((one) => one.key) : [key];
  const keys = key.startsWith('group:') && way === 'right' ? [`network:${key.slice(6)}`] : starts.flatMap((one) => data[way].get(one) ?? []);
  if (node?.kind === 'network' && way === 'left') keys.push(`group:${node.id}`);
  return keys.map((one) => board.querySelector(`[data-node="${CSS.escape(one)}"]`)).find(Boolean);
}

function Rows({ data }) {
  const selected = query.value.get('sel');
  const path = pathOf(data, selected ?? '');
  const page = pageNumber.value;
  const rows = rowsOf(data);
  const one = (node, text) => (node ? html`<button type="button" key=${node.key} class="cell ${marks(path, node.key, selected)}" aria-pressed=${selected === node.key} onClick=${select(node.key)}>${text ?? node.name}</button>` : '–');
  const many = (nodes, text) => (nodes.length ? nodes.map((node) => one(node, text?.(node))) : '–');
  const columns = [
    ['Guest', (row) => one(row.guest)], ['vNIC', (row) => one(row.vnic)], ['Network', (row) => one(row.network)],
    ['VLAN', (row) => (row.network ? row.network.vlan ?? 'untagged' : '–')], ['Bridge', (row) => row.network?.bridge ?? '–'], ['Bond', (row) => one(row.bond)],
    ['NIC', (row) => many(row.nics)], ['Switch port', (row) => many(row.ports, (port) => `${port.name} of ${port.device}`)],
  ];
  return html`<${Table} label="Paths" columns=${columns} rows=${rows.slice((page - 1) * PAGE, page * PAGE)}/><${Pages} page=${page} more=${rows.length > page * PAGE}/>`;
}
