// Setting up the networks of a host: uplinks with their networks, and the networks of the cluster that are not on it.
import { Dialog, Icon, Menu, anchor, roving, useGlide } from '../lib/parts.js';
import { html, useComputed } from '../lib/preact.js';
import { Find, State } from '../lib/view.js';
import * as model from '../model/setup.js';
import { startDrag } from './drag.js';
import { bonding, cancel, change, drag, draft, drop, host, hot, pending, pick, picked, target, targets, ups, words } from './setup-state.js';

const ROLE = { management: ['shield', 'Management'], migration: ['arrow-left-right', 'Migration'], gluster: ['database', 'Storage'], display: ['eye', 'Display'], vm: ['monitor', 'VM'] };
const NO_ROLE = ['network', 'Not for VMs'];
const WORD = { Attach: 'New', Move: 'Moved', Sync: 'Will sync', Detach: 'Off' };
export const MODES = { 0: 'Round robin', 1: 'Active-backup', 2: 'XOR', 3: 'Broadcast', 4: 'LACP (802.3ad)', 5: 'Adaptive transmit', 6: 'Adaptive' };

const isPicked = (kind, id) => picked.value?.kind === kind && picked.value.ids.includes(id);
const takeOff = (id) => change(model.detach(draft.value, [id]), `${id} taken off the host`);
const syncIt = (id) => change(model.sync(draft.value, id), `${id} will be synced`);
const vlanOf = (network) => (network.vlan === null ? 'untagged' : network.vlan);

/** What differs on the host from a network's definition, and how to end that. */
function OutOfSync({ id }) {
  const attachment = host.value.attachments[id];
  if (!attachment || attachment.inSync || draft.value.sync.includes(id)) return null;
  const pop = `drift-${id}`;
  const open = (event) => event.newState === 'open' && anchor(document.querySelector(`[popovertarget="${pop}"]`), event.currentTarget);
  return html`<button type="button" class="badge warn" popovertarget=${pop} tabindex="-1"><${Icon} name="triangle-alert" size=${12}/>Out of sync</button>
    <div id=${pop} popover="auto" class="pop card-pop" onToggle=${open}><h3>${id} differs from its definition</h3>
      <table class="mini"><thead><tr><th>What</th><th>Defined</th><th>On host</th></tr></thead><tbody>${attachment.differences.map((one) => html`<tr key=${one.name}><td>${one.name}</td><td class="mono">${one.expected_value ?? '–'}</td><td class="mono bad-t">${one.actual_value ?? '–'}</td></tr>`)}</tbody></table>
      <button type="button" class="btn" onClick=${() => { document.getElementById(pop).hidePopover(); syncIt(id); }}><${Icon} name="refresh-cw"/>Sync in this change</button></div>`;
}

/** A network. What is picked up or pointed at changes attributes only: hosts have hundreds of networks. */
function Net({ net, first }) {
  const uplink = draft.value.place[net.id];
  const glide = useGlide(net.id, uplink ?? 'off');
  const pend = pending.value.get(net.id);
  const [icon, role] = ROLE[net.roles[0]] ?? NO_ROLE;
  const marks = useComputed(() => `row ${isPicked('net', net.id) ? 'held' : ''} ${pending.value.has(net.id) ? 'pend' : ''} ${hot.value === net.id ? 'hot' : ''} ${net.provider ? 'locked' : ''}`);
  const pressed = useComputed(() => (net.provider ? undefined : String(isPicked('net', net.id))));
  const word = pend && WORD[pend.verb];
  const state = uplink && host.value.attachments[net.id]?.inSync === false ? ', out of sync' : '';
  const rest = `, ${net.vlan === null ? 'untagged' : `VLAN ${net.vlan}`}, MTU ${net.mtu}, ${role}${uplink ? `, on ${uplink}` : ', not on this host'}${word ? `, ${word}` : ''}${state}`;
  const key = (event) => {
    if (event.key === ' ' && !net.provider) { event.preventDefault(); pick('net', net.id, true); }
    if (event.key === 'Delete' && uplink) { event.preventDefault(); takeOff(net.id); }
  };
  const light = (id) => () => { hot.value = id; };
  return html`<li ref=${glide} class=${marks} onMouseEnter=${light(net.id)} onMouseLeave=${light(null)}>
    <span class="tap ${net.vlan === null ? 'native' : ''}"></span>
    <span class="role r-${net.roles[0] ?? 'none'}" title=${role}><${Icon} name=${net.provider ? 'cloud' : icon}/></span>
    <span class="name"><button type="button" class="row-main" data-item=${net.id} tabindex=${first ? 0 : -1} aria-pressed=${pressed} aria-disabled=${net.provider || undefined}
      onClick=${(event) => !net.provider && pick('net', net.id, event.ctrlKey || event.metaKey || event.shiftKey)} onKeyDown=${key} onFocus=${light(net.id)} onBlur=${light(null)}
      onPointerDown=${(event) => !net.provider && startDrag(event, 'net', net.id)}>${net.id}<span class="sr">${rest}</span></button>
      ${word && html`<span class="badge new">${word}</span>`}${uplink && html`<${OutOfSync} id=${net.id}/>`}</span>
    <span class="num">${vlanOf(net)}</span><span class="num mtu">${net.mtu}</span><span class="num ip">${(uplink && host.value.attachments[net.id]?.ip) || '–'}</span>
    <${Menu} label=${`Actions for ${net.id}`} tabIndex=${-1} items=${netActions(net, uplink)}/></li>`;
}

const netActions = (net, uplink) => [
  { icon: 'move', text: uplink ? 'Move to…' : 'Place on…', key: 'Enter', why: net.provider && 'Carried by its provider', run: () => pick('net', net.id) },
  uplink && host.value.attachments[net.id]?.inSync === false && { icon: 'refresh-cw', text: 'Sync to definition', run: () => syncIt(net.id) },
  uplink && { icon: 'minus', text: 'Take off host', key: 'Del', run: () => takeOff(net.id) },
];

function Nic({ nic, bond, first }) {
  const held = isPicked('nic', nic.id);
  return html`<div class="nic ${held ? 'held' : ''}"><button type="button" class="nic-main" data-item=${nic.id} data-nic tabindex=${first ? 0 : -1} aria-pressed=${held}
      onClick=${() => pick('nic', nic.id)} onPointerDown=${(event) => startDrag(event, 'nic', nic.id)}>
      <span class="nic-top"><${Icon} name="ethernet-port"/><b>${nic.id}</b><span class="speed">${nic.speed ? `${nic.speed}G` : ''}</span></span>
      <span class="nic-sub"><i class="dot ${nic.up ? 'ok' : 'bad'}"></i>${nic.up ? 'Up' : 'Down'}</span><span class="nic-sub mono">${nic.cable}</span><span class="sr">${bond ? `, member of ${bond}` : ', stand-alone'}</span>
    </button><${Menu} label=${`Actions for ${nic.id}`} tabIndex=${-1} items=${[
      { icon: 'link', text: bond ? 'Move to another bond…' : 'Bond with…', key: 'Enter', run: () => pick('nic', nic.id) },
      bond && { icon: 'unlink', text: `Take out of ${bond}`, run: () => change(model.release(draft.value, nic.id), `${nic.id} taken out of ${bond}`) },
    ]}/></div>`;
}

/** The threads that run from NICs into the trunk of their bond. */
function Threads({ count, lit }) {
  const heights = Array.from({ length: count }, (_, n) => ((n + 0.5) / count) * 100);
  return html`<div class="tw"><svg class="threads ${lit ? 'lit' : ''}" viewBox="0 0 40 100" preserveAspectRatio="none" aria-hidden="true">${heights.map((y) => html`<path key=${y} d=${count === 1 ? 'M0 50 H40' : `M0 ${y} C 22 ${y}, 16 50, 40 50`} vector-effect="non-scaling-stroke"/>`)}</svg></div>`;
}

function Place({ there, count }) {
  if (!there) return html`<span class="quiet count">${count === 0 ? 'No networks' : `${count} ${count === 1 ? 'network' : 'networks'}`}</span>`;
  if (there.why) return html`<span class="why"><${Icon} name="lock" size=${13}/>${there.why}</span>`;
  return html`<button type="button" class="btn place" onClick=${() => drop(there.id)}>${there.verb}<kbd>${there.key}</kbd></button>`;
}

function Uplink({ up, lead }) {
  const nets = model.on(host.value, draft.value, up.id);
  const there = target(up.id);
  const at = nets.findIndex((net) => net.id === hot.value || isPicked('net', net.id));
  const isNew = up.mode && !host.value.bonds[up.id];
  return html`<section class="uplink ${there ? (there.why ? 'no' : 'yes') : ''} ${drag.value?.over === up.id ? 'over' : ''}" data-drop=${up.id} aria-label=${`${up.id}, ${nets.length} networks`}>
    <header><h3 class=${up.mode ? '' : 'sr'}>${up.id}</h3>${up.mode && html`<span class="tag">${MODES[up.mode] ?? up.mode}</span>`}<span class="quiet">${up.mode ? `${up.speed} Gb/s · ${up.nics.length} links` : 'Single link'}</span>${isNew && html`<span class="badge new">New</span>`}
      <span class="grow"></span><${Place} there=${there} count=${nets.length}/></header>
    <div class="body"><div class="nics">${up.nics.map((nic, n) => html`<${Nic} key=${nic.id} nic=${nic} bond=${up.mode && up.id} first=${lead && n === 0}/>`)}</div>
      <${Threads} count=${up.nics.length} lit=${at >= 0}/>
      <ul class="lane">${at >= 0 && html`<li class="seg" aria-hidden="true" style=${{ '--i': at, '--n': nets.length }}></li>`}${nets.map((net) => html`<${Net} key=${net.id} net=${net}/>`)}
        ${nets.length === 0 && html`<li class="empty">${there && !there.why ? 'Place here' : 'Free for networks, or bond it with another NIC'}</li>`}</ul></div></section>`;
}

const sameUplink = (all, at) => all[at].closest('.uplink');
const ACROSS = {
  ArrowRight: (all, at) => { const n = all.findIndex((one) => one.closest('.uplink') === sameUplink(all, at) && !one.hasAttribute('data-nic')); return n < 0 ? undefined : n; },
  ArrowLeft: (all, at) => all.findIndex((one) => one.closest('.uplink') === sameUplink(all, at)),
};

export function Uplinks() {
  return html`<section class="pane uplinks" aria-labelledby="h-up" onKeyDown=${(event) => roving(event, ACROSS)}>
    <div class="pane-h"><h2 id="h-up">Uplinks</h2><span class="cols" aria-hidden="true"><span class="c-n">Network</span><span>VLAN</span><span>MTU</span><span>Address</span></span></div>
    ${ups.value.map((up, n) => html`<${Uplink} key=${up.id} up=${up} lead=${n === 0}/>`)}</section>`;
}

const groupsOf = (nets) => [
  ['Required', 'Hosts of the cluster need these', nets.filter((net) => net.required && !net.provider)],
  ['Optional', '', nets.filter((net) => !net.required && !net.provider)],
  ['External', 'Carried by a provider', nets.filter((net) => net.provider)],
].filter(([, , some]) => some.length);

export function Tray() {
  const off = model.off(host.value, draft.value);
  const nets = off.filter((net) => `${net.id} ${vlanOf(net)}`.toLowerCase().includes(words.value.toLowerCase()));
  const there = target('off');
  const open = there && !there.why;
  return html`<section class="pane tray ${open ? 'yes' : ''} ${drag.value?.over === 'off' ? 'over' : ''}" data-drop="off" aria-labelledby="h-tr" onKeyDown=${(event) => roving(event)}>
    <div class="pane-h"><h2 id="h-tr">Not on this host</h2>${!open && html`<span class="count-n">${off.length}</span>`}<span class="grow"></span>${open && html`<${Place} there=${there}/>`}</div>
    <${Find} label="Name or VLAN" value=${words.value} onChange=${(text) => { words.value = text; }}/>
    ${groupsOf(nets).map(([title, hint, some]) => html`<div class="group" key=${title}><h3>${title}<span class="quiet">${hint}</span></h3>
      <ul class="lane flat">${some.map((net) => html`<${Net} key=${net.id} net=${net} first=${net === nets[0]}/>`)}</ul></div>`)}
    ${nets.length === 0 && html`<p class="none">${words.value ? `No network matches “${words.value}”.` : 'Every network of the cluster is on this host.'}</p>`}</section>`;
}

export function Strip() {
  return picked.value ? html`<${Placing}/>` : html`<${Standing}/>`;
}

function Placing() {
  const { kind, ids } = picked.value;
  const open = targets.value.filter((one) => !one.why);
  const alone = target('alone');
  return html`<div class="strip placing"><${Icon} name=${kind === 'nic' ? 'link' : 'move'}/><span><b>${ids.length > 2 ? `${ids.length} networks` : ids.join(', ')}</b> picked up.</span>
    <span class="hint">Choose a place, press <kbd>${open[0]?.key ?? '–'}</kbd>${open.length > 1 && html`–<kbd>${open.at(-1).key}</kbd>`}, or drag.${kind === 'net' && html` <kbd>Space</kbd> adds more.`}</span><span class="grow"></span>
    ${alone && html`<button type="button" class="btn place" onClick=${() => drop('alone')}>${alone.verb}<kbd>${alone.key}</kbd></button>`}
    <button type="button" class="btn ghost" onClick=${cancel}>Put back<kbd>Esc</kbd></button></div>`;
}

function Standing() {
  const missing = model.off(host.value, draft.value).filter((net) => net.required);
  const drift = model.outOfSync(host.value, draft.value);
  const up = host.value.nics.filter((nic) => nic.up).length;
  const lead = (selector) => () => document.querySelector(selector)?.focus();
  return html`<div class="strip">${missing.length ? html`<button type="button" class="pill warn" onClick=${lead(`.tray [data-item="${missing[0].id}"]`)}><${Icon} name="triangle-alert" size=${14}/>${missing.length} required ${missing.length === 1 ? 'network' : 'networks'} missing</button>` : html`<${State} kind="ok">All required networks present<//>`}
    ${drift.length > 0 && html`<button type="button" class="pill warn" onClick=${() => document.querySelector(`[popovertarget="drift-${drift[0]}"]`)?.click()}><${Icon} name="git-compare" size=${14}/>${drift.length} out of sync</button>`}
    <span class="pill"><${Icon} name="cable" size=${14}/>${up} of ${host.value.nics.length} links up</span><span class="grow"></span>
    <span class="hint keys"><kbd>↑</kbd><kbd>↓</kbd> move <kbd>Enter</kbd> pick up <kbd>?</kbd> all keys</span></div>`;
}

export function BondDialog() {
  const pair = bonding.value;
  const close = () => { bonding.value = null; };
  const done = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    change(model.bond(draft.value, pair.nic, pair.with, form.get('name'), form.get('mode')), `${form.get('name')} made of ${pair.with} and ${pair.nic}`);
    close();
  };
  const cable = (id) => host.value.nics.find((nic) => nic.id === id).cable || 'a port that is not known';
  return html`<${Dialog} open=${Boolean(pair)} title=${pair ? `Bond ${pair.with} with ${pair.nic}` : ''} onClose=${close}>
    ${pair && html`<form onSubmit=${done}><div class="fields"><label>Name<input name="name" value=${model.freeName(draft.value)} required pattern="bond[0-9]+" autofocus/></label>
      <label>Mode<select name="mode" defaultValue="4">${Object.entries(MODES).map(([mode, text]) => html`<option key=${mode} value=${mode} selected=${mode === '4'}>${text}</option>`)}</select></label></div>
      <p class="note"><${Icon} name="info"/><span>${pair.with} is on <b>${cable(pair.with)}</b>, ${pair.nic} on <b>${cable(pair.nic)}</b>. LACP over two switches needs switches that act as one.</span></p>
      <div class="dlg-f"><button type="button" class="btn ghost" onClick=${close}>Cancel</button><button class="btn primary">Create bond</button></div></form>`}<//>`;
}

/** What is carried while a pointer drags. */
export function Carried() {
  const at = drag.value;
  if (!at || !picked.value) return null;
  return html`<div class="carried ${at.over ? 'ok' : ''} ${at.refused ? 'bad' : ''}" style=${{ transform: `translate(${at.x + 12}px, ${at.y + 10}px)` }}><${Icon} name=${at.refused ? 'lock' : picked.value.kind === 'nic' ? 'ethernet-port' : 'network'}/>${picked.value.ids.join(', ')}</div>`;
}
