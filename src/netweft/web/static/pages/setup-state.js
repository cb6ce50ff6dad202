// The state of the screen on which the networks of a host are set up: the actual state, the desired one, the selection.
import { OVIRT, OWN, Refusal, failure, get, post } from '../lib/api.js';
import { elements, gliding, say } from '../lib/parts.js';
import { planned as plannedCall } from '../lib/plan.js';
import { batch, computed, signal } from '../lib/preact.js';
import { hostOf, same } from '../model/host.js';
import * as model from '../model/setup.js';
/** @import {Draft, Failure, Host, Job, Plan, Progress, Uplink} from '../model/types.d.ts' */
/** @import {ReadonlySignal, Shown, Signal} from '../lib/preact.js' */

/** @typedef {{ kind: string, ids: string[] }} Picked */
/** @typedef {{ kind: string, net?: string, nic?: string, uplink?: string, bond?: string, with?: string }} About */
/** @typedef {{ plan?: Plan, error?: Failure }} Planned */
/** @typedef {{ host: string, phase: 'sent' | 'apply' | 'test' | 'kept' | 'reverted', progress: Progress, left?: number, error?: string | null }} Run */
/** A place to put what is picked up: by `key`, or `why` it may not go there. @typedef {{ id: string, label: string, verb: string, why: string | null, key?: string }} Target */

const LOOK = 400;
const AGAIN = 2000;
const STALE = 'PLAN_IS_STALE';
const MOST_GLIDING = 20;
const AT_FIRST = 40;

/** What the engine said. */
export const host = /** @type {Shown<Host>} */ (signal(/** @type {Host | null} */ (null)));
/** What is desired. */
export const draft = /** @type {Shown<Draft>} */ (signal(/** @type {Draft | null} */ (null)));
/** What is picked up. @type {Signal<Picked | null>} */
export const picked = signal(null);
/** While a pointer drags. @type {Signal<{ x: number, y: number, over: string | null, refused: boolean } | null>} */
export const drag = signal(null);
/** The dialog that is open, and what it is about. @type {Signal<About | null>} */
export const dialog = signal(null);
export const words = signal(''); // what the networks that are not on the host are filtered by
/** How many networks of each list are drawn: as many as a screen shows, and a moment later all of them. */
export const drawn = signal(AT_FIRST);
export const options = signal({ seconds: 120, commit: false });
/** {plan} | {error} | {} while it is being made. @type {Signal<Planned>} */
export const plan = signal({});
/** A change that was sent, also while another tab is shown. @type {Signal<Run | null>} */
export const run = signal(null);
/** @type {Signal<Draft[]>} */
const past = signal([]);
/** @type {Signal<Draft[]>} */
const future = signal([]);

export const ups = computed(() => model.uplinks(host.value, draft.value));
export const list = computed(() => (host.value ? model.changes(host.value, draft.value) : []));
export const body = computed(() => model.request(host.value, draft.value, options.value));
export const pending = computed(() => model.marks(host.value, draft.value));
export const canUndo = computed(() => past.value.length > 0);
export const canRedo = computed(() => future.value.length > 0);
export const path = computed(() => `${OVIRT}/hosts/${host.value.id}/setupnetworks`);

const counted = (n) => `${n} ${n === 1 ? 'change' : 'changes'}`;
const store = () => `netweft.setup.${host.value.id}`;
/** The element of a network or NIC that can be picked up. @type {(id: string) => HTMLElement | undefined} */
export const itemOf = (id) => elements(document, `[data-item="${CSS.escape(id)}"]`)[0];

/** @type {(id: string) => Promise<Host>} */
const read = async (id) => hostOf(await get(`${OWN}/hosts/${id}/networking`));

let latest = '';
/** Read a host. A draft that was begun for it goes on. @type {(id: string) => Promise<Host>} */
export async function load(id) {
  latest = id;
  const found = await read(id);
  if (latest !== id) return found; // another host is shown by now
  if (host.value?.id !== id) begin(found);
  else if (!same(found, host.value)) follow(found);
  remember();
  return found;
}

/** Go on with what is desired of a host that has changed, and with what undo and redo lead to. @type {(found: Host) => void} */
function follow(found) {
  const moved = (/** @type {Draft} */ one) => model.rebase(host.value, found, one);
  batch(() => {
    [draft.value, past.value, future.value] = [moved(draft.value), past.value.map(moved), future.value.map(moved)];
    host.value = found;
    if (picked.value?.kind === 'net' && !picked.value.ids.every((id) => found.networks.some((network) => network.id === id))) picked.value = null;
  });
}

/** @type {(found: Host) => void} */
function begin(found) {
  drawn.value = AT_FIRST;
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => { drawn.value = Infinity; })));
  batch(() => {
    host.value = found;
    draft.value = stored(found) ?? model.draftOf(found);
    [past.value, future.value, picked.value, dialog.value, words.value] = [[], [], null, null, ''];
    if (run.value?.host !== found.id) run.value = null;
  });
}

/** The draft that was begun for a host before the page was loaded anew; none where what is stored is none, as browsers let people change it.
 * @type {(found: Host) => Draft | null} */
function stored(found) {
  try {
    const before = JSON.parse(sessionStorage.getItem(store()) ?? 'null');
    return before && model.rebase(before.host, found, before.draft);
  } catch {
    return null;
  }
}

let planning = Promise.resolve();
/** Keep the draft, and have the engine plan it. */
export const remember = () => (planning = makePlan());

let turn = 0;
async function makePlan() {
  const mine = ++turn;
  if (!list.value.length) {
    sessionStorage.removeItem(store());
    plan.value = {};
    return;
  }
  sessionStorage.setItem(store(), JSON.stringify({ host: host.value, draft: draft.value }));
  const found = await planned(draft.value);
  if (mine === turn) plan.value = found;
}

/** What the engine says of a draft: {plan}, or {error}. @type {(desired: Draft) => Promise<Planned>} */
export const planned = (desired) => plannedCall({ method: 'POST', path: path.value, body: model.request(host.value, desired, options.value) });

/** Show another draft; networks glide to where they then are. @type {(next: Draft, more: () => void) => void} */
function show(next, more) {
  const moved = host.value.networks.map((network) => network.id).filter((id) => draft.value.place[id] !== next.place[id]);
  gliding(moved.slice(0, MOST_GLIDING), (id) => itemOf(id)?.closest('.row'), () => batch(() => { more(); draft.value = next; }));
  remember();
}

/** @type {(next: Draft, text: string) => void} */
export function change(next, text) {
  show(next, () => { [past.value, future.value, picked.value, plan.value] = [[...past.value, draft.value], [], null, {}]; });
  say(`${text}. ${counted(list.value.length)} in the basket.`);
}

export function undo() {
  if (!canUndo.value) return;
  show(past.value[past.value.length - 1], () => { [future.value, past.value] = [[draft.value, ...future.value], past.value.slice(0, -1)]; });
  say('Undone.');
}

export function redo() {
  if (!canRedo.value) return;
  show(future.value[0], () => { [past.value, future.value] = [[...past.value, draft.value], future.value.slice(1)]; });
  say('Redone.');
}

export const discard = () => change(model.draftOf(host.value), 'All changes discarded');

/** @type {(ids: string[]) => string} */
const named = (ids) => (ids.length > 2 ? `${ids.length} networks` : ids.join(' and '));

/** @type {(kind: string, id: string, more?: boolean) => void} */
export function pick(kind, id, more = false) {
  const held = picked.value;
  if (held?.kind === kind && held.ids.includes(id)) {
    const ids = held.ids.filter((one) => one !== id);
    picked.value = ids.length ? { kind, ids } : null;
    say(`${id} put back.`);
    return;
  }
  const ids = more && kind === 'net' && held?.kind === 'net' ? [...held.ids, id] : [id];
  picked.value = { kind, ids };
  const open = targets.value.filter((one) => !one.why);
  say(`${named(ids)} picked up. ${open.length} places: ${open.map((one) => `${one.key} ${one.label}`).join(', ')}. Press a number, or Escape to put back.`);
}

export function cancel() {
  if (!picked.value) return;
  [picked.value, drag.value] = [null, null];
  say('Put back. Nothing changed.');
}

/** Every place that what is picked may go to, or why not: the same for mouse, keys and drag. @type {ReadonlySignal<Target[]>} */
export const targets = computed(() => {
  if (!picked.value) return [];
  const { kind, ids } = picked.value;
  /** @type {Target[]} */
  const found = ups.value.map(kind === 'net' ? (up) => placeOf(ids, up) : (up) => partnerOf(ids[0], up));
  if (kind === 'net') found.push({ id: 'off', label: 'take off the host', verb: 'Take off host', why: ids.every((id) => !draft.value.place[id]) ? 'Already here' : null });
  else if (ups.value.some((up) => up.mode && up.nics.some((nic) => nic.id === ids[0]))) found.push({ id: 'alone', label: 'stand-alone', verb: 'Make stand-alone', why: null });
  let n = 0;
  return found.map((one) => (one.why ? one : { ...one, key: String(++n) }));
});
export const target = (/** @type {string | null} */ id) => targets.value.find((one) => one.id === id);

/** @type {(ids: string[], up: Uplink) => Target} */
const placeOf = (ids, up) => ({ id: up.id, label: up.id, verb: 'Place here', why: model.obstacle(host.value, draft.value, ids, up.id) });

/** @type {(nic: string, up: Uplink) => Target} */
function partnerOf(nic, up) {
  const why = up.nics.some((one) => one.id === nic) ? (up.mode ? 'Member of this bond' : 'Picked up') : null;
  return { id: up.id, label: up.id, verb: up.mode ? `Add to ${up.id}` : `Bond with ${up.id}`, why };
}

/** Put what is picked there. Says why not where it may not go, and returns whether it went. @type {(id: string) => boolean} */
export function drop(id) {
  const there = target(id);
  if (!picked.value || !there || there.why) {
    if (there?.why) say(`Not possible: ${there.why}.`);
    return false;
  }
  const { kind, ids } = picked.value;
  if (kind === 'net') dropNetworks(ids, id);
  else if (id === 'alone') change(model.release(draft.value, ids[0]), `${ids[0]} taken out of its bond`);
  else if (draft.value.bonds[id]) change(model.join(draft.value, ids[0], id), `${ids[0]} added to ${id}`);
  else [dialog.value, picked.value] = [{ kind: 'bond', nic: ids[0], with: id }, null];
  return true;
}

/** @type {(ids: string[], id: string) => void} */
function dropNetworks(ids, id) {
  if (id === 'off') change(model.detach(draft.value, ids), `${named(ids)} removed from the host`);
  else change(model.place(draft.value, ids, id), `${named(ids)} placed on ${id}`);
  requestAnimationFrame(() => itemOf(ids[0])?.focus());
}

/** Send the change, if the plan that is shown still holds, and watch it until the host has it or has taken it back. */
export async function apply() {
  await planning;
  const made = plan.value.plan;
  if (!made || run.value) return;
  const mine = host.value.id;
  [picked.value, run.value] = [null, { host: mine, phase: 'sent', progress: {}, left: options.value.seconds }];
  say('Applying.');
  try {
    const answer = await post(path.value, { ...body.value, async: true }, { 'Netweft-Plan': made.id });
    await watch(answer.job.id, mine);
  } catch (error) {
    if (run.value?.host === mine) run.value = null;
    if (host.value?.id !== mine) return;
    const isStale = error instanceof Refusal && error.codes.includes(STALE);
    if (isStale) say('The host has changed meanwhile. This is the plan that holds now.');
    plan.value = { error: failure(error) };
    if (isStale) await remember();
  }
}

/** Follow a job, also where the session ends or the engine is away meanwhile. A host that does not answer tells no time that is left; what it was given runs
 * out all the same. @type {(id: string, mine: string) => Promise<void>} */
async function watch(id, mine) {
  const deadline = Date.now() + options.value.seconds * 1000;
  for (;;) {
    /** @type {Job | null} */
    const job = await get(`${OWN}/jobs/${id}`).catch((error) => { if (error.status && error.status !== 401) throw error; return null; });
    if (run.value?.host !== mine) return;
    if (job && job.status !== 'started') return end(job, mine);
    if (job) {
      const { phase: reported, steps_done: done, steps_total: all } = job.progress;
      const phase = reported === undefined ? 'sent' : reported === 'awaiting_confirmation' || (all && done === all) ? 'test' : 'apply';
      const left = job.progress.seconds_left ?? Math.max(0, (deadline - Date.now()) / 1000);
      run.value = { host: mine, phase, progress: job.progress, left: Math.ceil(left) };
    }
    await new Promise((resolve) => setTimeout(resolve, job ? LOOK : AGAIN));
  }
}

/** What was changed since it was sent is still desired. @type {(job: Job, mine: string) => Promise<void>} */
async function end(job, mine) {
  const kept = job.status === 'finished';
  const found = kept ? await read(mine) : null;
  if (found && host.value?.id === mine) {
    batch(() => { [past.value, future.value] = [[], []]; follow(found); });
    remember();
  }
  run.value = { host: mine, phase: kept ? 'kept' : 'reverted', progress: job.progress, error: job.error };
  say(kept ? 'Kept. The host has the new configuration.' : `Not done. ${job.error}`);
}

/** Have the host boot with what runs on it now. */
export async function commit() {
  const { id } = host.value;
  await post(`${OVIRT}/hosts/${id}/commitnetconfig`, {});
  if (host.value?.id === id) await load(id); // else another page is shown by now
  say('Committed. The host boots with it.');
}
