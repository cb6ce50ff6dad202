// What mouse and keys do to networks and NICs. Their containers listen, not each of them: hosts have hundreds of networks.
import { anchor, clickMenu, elements, openMenu, pressMenu, roving, say } from '../lib/parts.js';
import { effect, signal } from '../lib/preact.js';
import * as model from '../model/setup.js';
import { change, dialog, drag, draft, drop, host, itemOf, pick, picked, target } from './setup-state.js';
/** @import {About} from './setup-state.js' */
/** @import {Item, Network} from '../model/types.d.ts' */

const FAR = 5;
/** @type {(x: number, y: number) => string | null} */
const placeAt = (x, y) => document.elementFromPoint(x, y)?.closest('[data-drop]')?.getAttribute('data-drop') ?? null;

/** The network whose differences are shown. */
export const drifting = signal('');

const networkOf = (/** @type {string} */ id) => host.value.networks.find((network) => network.id === id);
const bondOf = (/** @type {string} */ nic) => Object.keys(draft.value.bonds).find((name) => draft.value.bonds[name].nics.includes(nic));
/** @type {(id: string) => void} */
function takeOff(id) {
  const why = whyStays(networkOf(id));
  if (why) say(`Not possible: ${why}.`);
  else change(model.detach(draft.value, [id]), `${id} removed from the host`);
}
export const syncIt = (/** @type {string} */ id) => change(model.sync(draft.value, id), `${id} will be synced`);
/** @type {(kind: string, about: Omit<About, 'kind'>) => () => void} */
const open = (kind, about) => () => { dialog.value = { kind, ...about }; };

/** Why a network cannot be taken off the host by itself, as far as it can be seen here. @type {(network?: Network) => string | undefined} */
const whyStays = (network) => network && model.holder(draft.value, network) && `It goes with the label ${network.label}`;
const isDifferent = (/** @type {string} */ id) => host.value.attachments[id]?.inSync === false && !draft.value.sync.includes(id);

/** @type {(id: string) => (Item | false)[]} */
function networkActions(id) {
  const network = networkOf(id);
  const isHere = Boolean(draft.value.place[id]);
  const why = network?.provider && 'Carried by its provider';
  return [
    { icon: 'move', text: isHere ? 'Move to…' : 'Place on…', key: 'Enter', why, run: () => pick('net', id) },
    { icon: 'pencil', text: 'Edit…', key: 'e', why: why || (!isHere && 'Place it on the host first'), run: open('edit', { net: id }) },
    isHere && isDifferent(id) && { icon: 'git-compare', text: 'What is out of sync', run: () => showDrift(id) },
    isHere && isDifferent(id) && { icon: 'refresh-cw', text: 'Sync to definition', run: () => syncIt(id) },
    isHere && { icon: 'minus', text: 'Take off host', key: 'Del', why: whyStays(network), run: () => takeOff(id) },
  ];
}

/** @type {(id: string) => (Item | false | null | undefined | '')[]} */
function nicActions(id) {
  const bond = bondOf(id);
  const nic = host.value.nics.find((one) => one.id === id);
  return [
    { icon: 'link', text: bond ? 'Move to another bond…' : 'Bond with…', key: 'Enter', run: () => pick('nic', id) },
    bond && { icon: 'unlink', text: `Take out of ${bond}`, run: () => change(model.release(draft.value, id), `${id} taken out of ${bond}`) },
    !bond && { icon: 'tag', text: 'Labels…', run: open('labels', { uplink: id }) },
    nic?.functions && { icon: 'layers', text: 'Virtual functions…', run: open('functions', { nic: id }) },
  ];
}

/** @type {(name: string) => Item[]} */
export const bondActions = (name) => [
  { icon: 'pencil', text: 'Edit bond…', run: open('tune', { bond: name }) },
  { icon: 'tag', text: 'Labels…', run: open('labels', { uplink: name }) },
  { icon: 'unlink', text: 'Break bond', run: () => change(draft.value.bonds[name].nics.slice(1).reduce(model.release, draft.value), `${name} broken`) },
];

/** The item that something in it happens to, and what it is. @type {(target: Element) => Found | undefined} */
function itemAt(target) {
  const around = target.closest('.row, .nic');
  const [item] = around ? elements(around, '[data-item]') : [];
  return item && { item, id: item.dataset.item ?? '', kind: item.dataset.kind ?? '', isFree: item.ariaDisabled !== 'true' };
}

/** @typedef {{ item: HTMLElement, id: string, kind: string, isFree: boolean }} Found */

/** @type {(found: Found) => (Item | false | null | undefined | '')[]} */
const actionsOf = ({ kind, id }) => (kind === 'net' ? networkActions(id) : nicActions(id));

export function click(event) {
  const found = itemAt(event.target);
  const button = event.target.closest('button');
  const isPlace = found?.kind !== 'net' && (!button || button === found?.item) && !picked.value?.ids.includes(found?.id ?? '');
  const place = picked.value && isPlace && event.target.closest('[data-drop]')?.dataset.drop;
  if (place) drop(place);
  else if (!found) return;
  else if (button?.matches('.menu')) clickMenu(button, button.ariaLabel, actionsOf(found), found.item);
  else if (button?.matches('.badge')) showDrift(found.id);
  else if (button === found.item && found.isFree) pick(found.kind, found.id, event.ctrlKey || event.metaKey || event.shiftKey);
}

export function pointerDown(event) {
  const found = itemAt(event.target);
  const button = event.target.closest('button');
  if (!found || !button) return;
  if (button.matches('.menu')) pressMenu(button);
  if (button === found.item && found.isFree) startDrag(event, found.kind, found.id);
}

/** @type {Record<string, (found: Found) => unknown>} */
const KEYS = {
  ' ': ({ kind, id, isFree }) => kind === 'net' && isFree && pick('net', id, true),
  Delete: ({ kind, id }) => kind === 'net' && draft.value.place[id] && takeOff(id),
  e: ({ kind, id, isFree }) => kind === 'net' && isFree && draft.value.place[id] && open('edit', { net: id })(),
  '.': (found) => {
    const around = found.item.closest('.row, .nic');
    const [button] = around ? elements(around, '.menu') : [];
    if (button) openMenu(button, button.ariaLabel ?? '', actionsOf(found), found.item);
  },
};

/** @type {(all: HTMLElement[], at: number) => Element | null} */
const sameUplink = (all, at) => all[at].closest('.uplink');
/** @type {Record<string, (all: HTMLElement[], at: number) => number | undefined>} */
const ACROSS = {
  ArrowRight: (all, at) => { const n = all.findIndex((one) => one.closest('.uplink') === sameUplink(all, at) && one.dataset.kind === 'net'); return n < 0 ? undefined : n; },
  ArrowLeft: (all, at) => all.findIndex((one) => one.closest('.uplink') === sameUplink(all, at)),
};

export function keyDown(event) {
  roving(event, event.currentTarget.matches('.uplinks') ? ACROSS : {});
  const found = event.target.dataset.item && !event.ctrlKey && !event.metaKey && KEYS[event.key] && itemAt(event.target);
  if (!found || (event.key === ' ' && found.kind === 'nic')) return;
  event.preventDefault();
  KEYS[event.key](found);
}

/** Light the way from the network that is pointed at to its NICs: two elements change, whatever the number of networks. */
export function light({ type, target }) {
  const row = target.closest('.row');
  const lane = row?.parentElement;
  const lit = ['mouseover', 'focusin'].includes(type) ? row : lane?.querySelector('.held');
  lane?.closest('.uplink')?.toggleAttribute('data-lit', Boolean(lit));
  if (lit) lane.style.setProperty('--i', [...lane.querySelectorAll('.row')].indexOf(lit));
}

/** What was picked up and lies somewhere now lights no way any more. */
effect(() => {
  if (picked.value) return;
  requestAnimationFrame(() => {
    for (const one of document.querySelectorAll('.uplink[data-lit]')) one.toggleAttribute('data-lit', Boolean(one.querySelector('.row:hover, .row:focus-within')));
  });
});

/** Show what of a network differs on the host. @type {(id: string) => void} */
export function showDrift(id) {
  drifting.value = id;
  document.getElementById('drift')?.showPopover();
}
export function placeDrift(event) {
  if (event.newState !== 'open') return;
  const item = itemOf(drifting.value);
  if (item) anchor(item.closest('.row')?.querySelector('.badge.warn') ?? item, event.currentTarget);
  event.currentTarget.querySelector('button').focus();
}

/** Drag, from a pressed pointer on a network or a NIC. Nothing happens until it has moved. Dragging shares its whole meaning with picking
 * and placing: it only picks, points and drops. */
function startDrag(event, kind, id) {
  if (event.button !== 0 || event.pointerType === 'touch') return;
  const from = { x: event.clientX, y: event.clientY };
  const ending = new AbortController();
  let moving = false;

  const move = (pointer) => {
    if (!moving && Math.hypot(pointer.clientX - from.x, pointer.clientY - from.y) < FAR) return;
    if (!moving && !(picked.value?.kind === kind && picked.value?.ids.includes(id))) {
      picked.value = null;
      pick(kind, id);
    }
    moving = true;
    document.documentElement.classList.add('dragging');
    const there = target(placeAt(pointer.clientX, pointer.clientY));
    drag.value = { x: pointer.clientX, y: pointer.clientY, over: there && !there.why ? there.id : null, refused: Boolean(there?.why) };
  };
  const stop = (done) => {
    ending.abort();
    document.documentElement.classList.remove('dragging');
    if (!moving) return;
    swallowClick();
    const over = drag.value?.over;
    drag.value = null;
    if (!(done && over && drop(over))) picked.value = null;
  };
  const key = (pressed) => {
    if (pressed.key !== 'Escape') return;
    pressed.stopPropagation();
    stop(false);
  };
  const listen = (name, listener, capture = false) => addEventListener(name, listener, { signal: ending.signal, capture });
  listen('pointermove', move);
  listen('pointerup', () => stop(true));
  listen('pointercancel', () => stop(false));
  listen('keydown', key, true);
}

/** The click with which a drag ends is none. */
function swallowClick() {
  const swallow = (click) => { click.stopImmediatePropagation(); click.preventDefault(); };
  addEventListener('click', swallow, true);
  setTimeout(() => removeEventListener('click', swallow, true), 0);
}
