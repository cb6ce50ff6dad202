// Setting up the networks of a host: uplinks with their networks, and the networks of the cluster that are not on it.
import { Icon, Menu } from '../lib/parts.js';
import { html, useComputed } from '../lib/preact.js';
import { Find, State } from '../lib/view.js';
import { addressText } from '../model/host.js';
import * as model from '../model/setup.js';
import { bondActions, click, drifting, keyDown, light, placeDrift, pointerDown, showDrift, syncIt } from './setup-hands.js';
import { cancel, drag, draft, drawn, drop, host, itemOf, list, pending, picked, target, targets, ups, words } from './setup-state.js';
/** @import {Picked} from './setup-state.js' */

const ROLE = { management: ['shield', 'Management'], migration: ['arrow-left-right', 'Migration'], gluster: ['database', 'Storage'], display: ['eye', 'Display'], vm: ['monitor', 'VM'] };
const NO_ROLE = ['network', 'Not for VMs'];
export const MODES = { 0: 'Round robin', 1: 'Active-backup', 2: 'XOR', 3: 'Broadcast', 4: 'LACP (802.3ad)', 5: 'Adaptive transmit', 6: 'Adaptive' };
const HANDS = { onClick: click, onKeyDown: keyDown, onPointerDown: pointerDown, onMouseOver: light, onMouseOut: light, onFocusIn: light, onFocusOut: light };

const isPicked = (kind, id) => picked.value?.kind === kind && picked.value?.ids.includes(id);
const vlanOf = (network) => (network.vlan === null ? 'untagged' : network.vlan);

/** What differs on the host from a network's definition, and how to end that. */
export function Drift() {
  const id = drifting.value;
  const differences = host.value.attachments[id]?.differences ?? [];
  const end = () => { document.getElementById('drift')?.hidePopover(); syncIt(id); itemOf(id)?.focus(); };
  return html`<div id="drift" popover="auto" class="pop card-pop" onToggle=${placeDrift}><h3>${id} differs from its definition</h3>
    <table class="mini"><thead><tr><th>What</th><th>Defined</th><th>On host</th></tr></thead><tbody>${differences.map((one) => html`<tr key=${one.name}><td>${one.name}</td><td class="mono">${one.expected ?? '–'}</td><td class="mono bad-t">${one.actual ?? '–'}</td></tr>`)}</tbody></table>
    <button type="button" class="btn" onClick=${end}><${Icon} name="refresh-cw"/>Sync in this change</button></div>`;
}

/** A network: drawn anew only when something of it has changed, as hosts have hundreds. What is picked up changes attributes. */
function Net({ net, uplink, word, out, address, first }) {
  const marks = useComputed(() => `row${isPicked('net', net.id) ? ' held' : ''}`);
  const pressed = useComputed(() => (net.provider ? undefined : String(isPicked('net', net.id))));
  const [icon, role] = ROLE[net.roles[0]] ?? NO_ROLE;
  const carried = net.provider ? ', carried by its provider' : '';
  const rest = `, ${net.vlan === null ? 'untagged' : `VLAN ${net.vlan}`}, MTU ${net.mtu}, ${role}${uplink ? `, on ${uplink}` : ', not on this host'}${carried}${word ? `, ${word}` : ''}${out ? ', out of sync' : ''}`;
  return html`<li class=${marks} data-pend=${word && ''} data-locked=${net.provider ? '' : undefined}>
    <span class="tap ${net.vlan === null ? 'native' : ''}"></span>
    <span class="role r-${net.roles[0] ?? 'none'}" title=${role}><${Icon} name=${net.provider ? 'cloud' : icon}/></span>
    <span class="name"><button type="button" class="row-main" data-item=${net.id} data-kind="net" tabindex=${first ? 0 : -1} aria-pressed=${pressed} aria-disabled=${net.provider || undefined}>${net.id}<span class="sr">${rest}</span></button>
      ${word && html`<span class="badge new">${word}</span>`}${out && html`<button type="button" class="badge warn" tabindex="-1"><${Icon} name="triangle-alert" size=${12}/>Out of sync</button>`}</span>
    <span class="num">${vlanOf(net)}</span><span class="num mtu">${net.mtu}</span><span class="num ip">${address}</span>
    <button type="button" class="iconbtn menu" aria-label=${`Actions for ${net.id}`} aria-haspopup="menu" tabindex="-1"></button></li>`;
}

/** The desired address of a network; with DHCP, the one that the host got. */
function addressOf(id) {
  const { v4, v6 } = model.configured(host.value, draft.value, id);
  const seen = host.value.attachments[id]?.seen;
  const text = [[v4, seen?.v4], [v6, seen?.v6]].filter(([one]) => one.method !== 'none').map(([one, got]) => (one.method === 'static' ? one.address : got?.address || addressText(one)));
  return text[0] ?? '–';
}

/** Networks as elements: each with all that is shown of it. */
function rows(nets, first) {
  const lost = new Set(model.outOfSync(host.value, draft.value));
  return nets.slice(0, drawn.value).map((net) => {
    const uplink = draft.value.place[net.id];
    return html`<${Net} key=${net.id} net=${net} uplink=${uplink} word=${pending.value.get(net.id)} out=${Boolean(uplink) && lost.has(net.id)} address=${uplink ? addressOf(net.id) : '–'} first=${net === first}/>`;
  });
}

function Nic({ nic, bond, first }) {
  const held = isPicked('nic', nic.id);
  const { functions } = nic;
  return html`<div class="nic ${held ? 'held' : ''}"><button type="button" class="nic-main" data-item=${nic.id} data-kind="nic" tabindex=${first ? 0 : -1} aria-pressed=${held}>
      <span class="nic-top"><${Icon} name="ethernet-port"/><b>${nic.id}</b><span class="speed">${nic.speed ? `${nic.speed}G` : ''}</span></span>
      <span class="nic-sub"><i class="dot ${nic.up ? 'ok' : 'bad'}"></i>${nic.up ? 'Up' : 'Down'}${nic.of && ` · function of ${nic.of}`}${functions?.count > 0 && ` · ${functions.count} of ${functions.most} VFs`}</span><span class="nic-sub mono">${nic.cable}</span><span class="sr">${bond ? `, member of ${bond}` : ', stand-alone'}</span>
    </button><button type="button" class="iconbtn menu" aria-label=${`Actions for ${nic.id}`} aria-haspopup="menu" tabindex="-1"><${Icon} name="ellipsis"/></button></div>`;
}

/** The threads that run from NICs into the trunk of their bond. */
function Threads({ count }) {
  const heights = Array.from({ length: count }, (_, n) => ((n + 0.5) / count) * 100);
  return html`<div class="tw"><svg class="threads" viewBox="0 0 40 100" preserveAspectRatio="none" aria-hidden="true">${heights.map((y) => html`<path key=${y} d=${count === 1 ? 'M0 50 H40' : `M0 ${y} C 22 ${y}, 16 50, 40 50`} vector-effect="non-scaling-stroke"/>`)}</svg></div>`;
}

/** Beside an uplink: whether the picked object can be placed there, why not, or the number of its networks. */
function Place({ id, count }) {
  const there = target(id);
  if (!there) return html`<span class="quiet count">${count === 0 ? 'No networks' : `${count} ${count === 1 ? 'network' : 'networks'}`}</span>`;
  if (there.why) return html`<span class="why"><${Icon} name="lock" size=${13}/>${there.why}</span>`;
  return html`<button type="button" class="btn place" onClick=${() => drop(there.id)}>${there.verb}<kbd>${there.key}</kbd></button>`;
}

/** How a place looks while something is picked up. */
function usePlace(id, base) {
  return useComputed(() => {
    const there = target(id);
    return `${base}${there ? (there.why ? ' no' : ' yes') : ''}${drag.value?.over === id ? ' over' : ''}`;
  });
}

const isOpen = (/** @type {string} */ id) => target(id)?.why === null;

const Empty = ({ id }) => html`<li class="empty">${isOpen(id) ? target(id)?.verb : 'Free for networks, or bond it with another NIC'}</li>`;

function Uplink({ up, lead }) {
  const nets = model.on(host.value, draft.value, up.id);
  const isNew = up.mode && !host.value.bonds[up.id];
  return html`<section class=${usePlace(up.id, 'uplink')} data-drop=${up.id} aria-label=${`${up.id}, ${nets.length} networks`}>
    <header><h3 class=${up.mode ? '' : 'sr'}>${up.id}</h3>${up.mode && html`<span class="tag">${MODES[up.mode] ?? up.mode}</span>`}<span class="quiet">${up.mode ? `${up.speed} Gb/s · ${up.nics.length} links` : 'Single link'}</span>${isNew && html`<span class="badge new">New</span>`}
      ${model.labelsOn(draft.value, up.id).map((label) => html`<span class="tag label" key=${label}><${Icon} name="tag" size=${12}/><span class="sr">Label </span>${label}</span>`)}
      <span class="grow"></span><${Place} id=${up.id} count=${nets.length}/>${up.mode && html`<${Menu} label=${`Actions for ${up.id}`} items=${bondActions(up.id)}/>`}</header>
    <div class="body"><div class="nics">${up.nics.map((nic, n) => html`<${Nic} key=${nic.id} nic=${nic} bond=${up.mode && up.id} first=${lead && n === 0}/>`)}</div>
      <${Threads} count=${up.nics.length}/>
      <ul class="lane" style=${{ '--n': nets.length }}>${nets.length > 0 && html`<li class="seg" aria-hidden="true"></li>`}${rows(nets)}${nets.length === 0 && html`<${Empty} id=${up.id}/>`}</ul></div></section>`;
}

export function Uplinks() {
  return html`<section class="pane uplinks" aria-labelledby="h-up" ...${HANDS}>
    <div class="pane-h"><h2 id="h-up">Uplinks</h2><span class="cols" aria-hidden="true"><span class="c-n">Network</span><span>VLAN</span><span>MTU</span><span>Address</span></span></div>
    ${ups.value.map((up, n) => html`<${Uplink} key=${up.id} up=${up} lead=${n === 0}/>`)}<${Cards}/></section>`;
}

const busy = (one) => (one.vm ? `of ${one.vm}` : one.free ? 'free' : 'in use');

/** Virtual interface cards: what of them only virtual machines can have. Their other NICs are uplinks. */
function Cards() {
  return host.value.cards.map((card) => html`<section class="uplink vic" key=${card.pci_address} aria-label=${`Interface card ${card.pci_address}`}>
    <header><h3>${card.model ?? 'Card'}</h3><span class="quiet">Virtual interface card</span><span class="quiet mono">${card.pci_address}</span><span class="grow"></span><span class="quiet count">${card.free} of ${card.dynamic.length} free</span></header>
    <p class="quiet">${card.static.length > 0 && `${card.static.join(', ')} ${card.static.length === 1 ? 'is its NIC' : 'are its NICs'} for networks. `}These belong to virtual machines, each of which gets one as a whole, so that no network is placed on them.</p>
    <ul class="dyn">${card.dynamic.map((one) => html`<li key=${one.pci_address} class="locked"><${Icon} name="lock" size=${13}/><b>${one.name ?? 'In a virtual machine'}</b><span class="mono quiet">${one.pci_address}</span><span>${busy(one)}</span></li>`)}</ul></section>`);
}

const groupsOf = (nets) => [
  ['Required', 'Hosts of the cluster need these', nets.filter((net) => net.required && !net.provider)],
  ['Optional', '', nets.filter((net) => !net.required && !net.provider)],
  ['External', 'Carried by their providers', nets.filter((net) => net.provider)],
].filter(([, , some]) => some.length);

export function Tray() {
  const off = model.off(host.value, draft.value);
  const nets = off.filter((net) => `${net.id} ${vlanOf(net)}`.toLowerCase().includes(words.value.toLowerCase()));
  return html`<section class=${usePlace('off', 'pane tray')} data-drop="off" aria-labelledby="h-tr" ...${HANDS}>
    <div class="pane-h"><h2 id="h-tr">Not on this host</h2><${Off} count=${off.length}/></div>
    <${Find} label="Name or VLAN" value=${words.value} onChange=${(text) => { words.value = text; }}/>
    ${groupsOf(nets).map(([title, hint, some]) => html`<div class="group" key=${title}><h3>${title}<span class="quiet">${hint}</span></h3><ul class="lane flat">${rows(some, nets[0])}</ul></div>`)}
    ${nets.length === 0 && html`<p class="none">${words.value ? `No network matches “${words.value}”.` : 'Every network of the cluster is on this host.'}</p>`}</section>`;
}

function Off({ count }) {
  const isPlace = isOpen('off');
  return html`${!isPlace && html`<span class="count-n">${count}</span>`}<span class="grow"></span>${isPlace && html`<${Place} id="off"/>`}`;
}

export function Strip() {
  return picked.value ? html`<${Placing} of=${picked.value}/>` : html`<${Hint}/>`;
}

/** @param {{ of: Picked }} props */
function Placing({ of: { kind, ids } }) {
  const open = targets.value.filter((one) => !one.why);
  const alone = target('alone');
  return html`<div class="strip placing"><${Icon} name=${kind === 'nic' ? 'link' : 'move'}/><span><b>${ids.length > 2 ? `${ids.length} networks` : ids.join(', ')}</b> picked up.</span>
    <span class="hint">Choose a place, press <kbd>${open[0]?.key ?? '–'}</kbd>${open.length > 1 && html`–<kbd>${open[open.length - 1].key}</kbd>`}, or drag.${kind === 'net' && html` <kbd>Space</kbd> adds more.`}</span><span class="grow"></span>
    ${alone && html`<button type="button" class="btn place" onClick=${() => drop('alone')}>${alone.verb}<kbd>${alone.key}</kbd></button>`}
    <button type="button" class="btn ghost" onClick=${cancel}>Put back<kbd>Esc</kbd></button></div>`;
}

function Hint() {
  const missing = model.off(host.value, draft.value).filter((net) => net.required);
  const drift = model.outOfSync(host.value, draft.value).filter((id) => draft.value.place[id]);
  const up = host.value.nics.filter((nic) => nic.up).length;
  return html`<div class="strip">${missing.length ? html`<button type="button" class="pill warn" onClick=${() => itemOf(missing[0].id)?.focus()}><${Icon} name="triangle-alert" size=${14}/>${missing.length} required ${missing.length === 1 ? 'network' : 'networks'} missing</button>` : html`<${State} kind="ok">${list.value.length ? 'Required networks placed' : 'All required networks present'}<//>`}
    ${drift.length > 0 && html`<button type="button" class="pill warn" onClick=${() => showDrift(drift[0])}><${Icon} name="git-compare" size=${14}/>${drift.length} out of sync</button>`}
    <span class="pill"><${Icon} name="cable" size=${14}/>${up} of ${host.value.nics.length} links up</span><span class="grow"></span>
    <span class="hint keys"><kbd>↑</kbd><kbd>↓</kbd> move <kbd>Enter</kbd> pick up <kbd>.</kbd> actions <kbd>?</kbd> all keys</span></div>`;
}

/** What is carried while a pointer drags. */
export function Carried() {
  const at = drag.value;
  if (!at || !picked.value) return null;
  return html`<div class="carried ${at.over ? 'ok' : ''} ${at.refused ? 'bad' : ''}" style=${{ transform: `translate(${at.x + 12}px, ${at.y + 10}px)` }}><${Icon} name=${at.refused ? 'lock' : picked.value.kind === 'nic' ? 'ethernet-port' : 'network'}/>${picked.value.ids.join(', ')}</div>`;
}
