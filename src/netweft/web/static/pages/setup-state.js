// The state of the screen on which the networks of a host are set up: what the host has, what is wanted, what is picked up.
import { OVIRT, OWN, get, post } from '../lib/api.js';
import { gliding, say } from '../lib/parts.js';
import { batch, computed, signal } from '../lib/preact.js';
import { hostOf, same } from '../model/host.js';
import * as model from '../model/setup.js';

const LOOK = 400;
const STALE = 'PLAN_IS_STALE';
const MOST_GLIDING = 20;

export const host = signal(null); // what the engine said
export const draft = signal(null); // what is wanted
export const picked = signal(null); // {kind: 'net' | 'nic', ids}
export const drag = signal(null); // {x, y, over, refused} while a pointer drags
export const dialog = signal(null); // {kind, ...what it is about}
export const words = signal(''); // what the networks that are not on the host are filtered by
export const options = signal({ seconds: 120, commit: false });
export const plan = signal({}); // {plan} | {error} | {} while it is being made
export const run = signal(null); // {host, phase, progress, left, error} of a change that was sent, also while another tab is shown
const past = signal([]);
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
/** The element of a network or NIC that can be picked up. */
export const itemOf = (id) => document.querySelector(`[data-item="${CSS.escape(id)}"]`);

const read = async (id) => hostOf(await get(`${OWN}/hosts/${id}/networking`));

/** Read a host. A draft that was begun for it goes on. */
export async function load(id) {
  const found = await read(id);
  if (host.value?.id !== id) begin(found);
  else if (!same(found, host.value)) batch(() => { draft.value = model.rebase(host.value, found, draft.value); host.value = found; });
  remember();
  return found;
}

function begin(found) {
  batch(() => {
    host.value = found;
    const kept = JSON.parse(sessionStorage.getItem(store()) ?? 'null');
    draft.value = kept ? model.rebase(kept.host, found, kept.draft) : model.draftOf(found);
    [past.value, future.value, picked.value, dialog.value, words.value] = [[], [], null, null, ''];
    if (run.value?.host !== found.id) run.value = null;
  });
}

let turn = 0;
/** Keep the draft, and have the engine plan it. */
export async function remember() {
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

/** What the engine says of a draft: {plan}, or {error}. */
export const planned = (wanted) => post(`${OWN}/requestplans`, { method: 'POST', path: path.value, body: model.request(host.value, wanted, options.value) })
  .then((made) => ({ plan: made }), (error) => ({ error }));

/** Show another draft; networks glide to where they then are. */
function show(next, more) {
  const moved = host.value.networks.map((network) => network.id).filter((id) => draft.value.place[id] !== next.place[id]);
  gliding(moved.slice(0, MOST_GLIDING), (id) => itemOf(id)?.closest('.row'), () => batch(() => { more(); draft.value = next; }));
  remember();
}

export function change(next, text) {
  show(next, () => { [past.value, future.value, picked.value, plan.value] = [[...past.value, draft.value], [], null, {}]; });
  say(`${text}. ${counted(list.value.length)} in the basket.`);
}

export function undo() {
  if (!canUndo.value) return;
  show(past.value.at(-1), () => { [future.value, past.value] = [[draft.value, ...future.value], past.value.slice(0, -1)]; });
  say('Undone.');
}

export function redo() {
  if (!canRedo.value) return;
  show(future.value[0], () => { [past.value, future.value] = [[...past.value, draft.value], future.value.slice(1)]; });
  say('Redone.');
}

export const discard = () => change(model.draftOf(host.value), 'All changes discarded');

const named = (ids) => (ids.length > 2 ? `${ids.length} networks` : ids.join(' and '));

export function pick(kind, id, more = false) {
  const held = picked.value;
  if (held?.kind === kind && held.ids.includes(id)) {
    const ids = held.ids.filter((one) => one !== id);
    picked.value = ids.length ? { kind, ids } : null;
    say(`${id} put back.`);
    return;
  }
  picked.value = more && kind === 'net' && held?.kind === 'net' ? { kind, ids: [...held.ids, id] } : { kind, ids: [id] };
  const open = targets.value.filter((one) => !one.why);
  say(`${named(picked.value.ids)} picked up. ${open.length} places: ${open.map((one) => `${one.key} ${one.label}`).join(', ')}. Press a number, or Escape to put back.`);
}

export function cancel() {
  if (!picked.value) return;
  [picked.value, drag.value] = [null, null];
  say('Put back. Nothing changed.');
}

/** Every place that what is picked may go to, or why not: the same for mouse, keys and drag. */
export const targets = computed(() => {
  if (!picked.value) return [];
  const { kind, ids } = picked.value;
  const found = ups.value.map(kind === 'net' ? (up) => placeOf(ids, up) : (up) => partnerOf(ids[0], up));
  if (kind === 'net') found.push({ id: 'off', label: 'take off the host', verb: 'Take off host', why: ids.every((id) => !draft.value.place[id]) ? 'Already here' : null });
  else if (ups.value.some((up) => up.mode && up.nics.some((nic) => nic.id === ids[0]))) found.push({ id: 'alone', label: 'stand-alone', verb: 'Make stand-alone', why: null });
  let n = 0;
  return found.map((one) => (one.why ? one : { ...one, key: String(++n) }));
});
export const target = (id) => targets.value.find((one) => one.id === id);

const placeOf = (ids, up) => ({ id: up.id, label: up.id, verb: 'Place here', why: model.obstacle(host.value, draft.value, ids, up.id) });

function partnerOf(nic, up) {
  const why = up.nics.some((one) => one.id === nic) ? (up.mode ? 'Member of this bond' : 'Picked up') : null;
  return { id: up.id, label: up.id, verb: up.mode ? `Add to ${up.id}` : `Bond with ${up.id}`, why };
}

/** Put what is picked there. Says why not where it may not go, and returns whether it went. */
export function drop(id) {
  const there = target(id);
  if (!there || there.why) {
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

function dropNetworks(ids, id) {
  if (id === 'off') change(model.detach(draft.value, ids), `${named(ids)} taken off the host`);
  else change(model.place(draft.value, ids, id), `${named(ids)} placed on ${id}`);
  requestAnimationFrame(() => itemOf(ids[0])?.focus());
}

/** Send the change, if the plan that is shown still holds, and watch it until the host has it or has taken it back. */
export async function apply() {
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
    if (error.codes?.includes(STALE)) say('The host has changed meanwhile. This is the plan that holds now.');
    plan.value = { error };
    if (error.codes?.includes(STALE)) await remember();
  }
}

/** Follow a job. A host that does not answer tells no time that is left; what it was given runs out all the same. */
async function watch(id, mine) {
  const deadline = Date.now() + options.value.seconds * 1000;
  for (;;) {
    const job = await get(`${OWN}/jobs/${id}`);
    if (run.value?.host !== mine) return undefined;
    if (job.status !== 'started') return end(job, mine);
    const phase = { awaiting_confirmation: 'test', undefined: 'sent' }[job.progress.phase] ?? 'apply';
    const left = job.progress.seconds_left ?? Math.max(0, (deadline - Date.now()) / 1000);
    run.value = { host: mine, phase, progress: job.progress, left: Math.ceil(left) };
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}

async function end(job, mine) {
  const kept = job.status === 'finished';
  const found = kept && await read(mine);
  if (kept && host.value?.id === mine) {
    batch(() => { host.value = found; draft.value = model.draftOf(host.value); [past.value, future.value] = [[], []]; });
    remember();
  }
  run.value = { host: mine, phase: kept ? 'kept' : 'reverted', progress: job.progress, error: job.error };
  say(kept ? 'Kept. The host has the new configuration.' : `Not done. ${job.error}`);
}

/** Have the host boot with what runs on it now. */
export async function commit() {
  await post(`${OVIRT}/hosts/${host.value.id}/commitnetconfig`, {});
  await load(host.value.id);
  say('Committed. The host boots with it.');
}
