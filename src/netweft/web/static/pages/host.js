// One host: its tabs, the first of which sets up its networks.
import { OVIRT, get, post } from '../lib/api.js';
import { single } from '../lib/keys.js';
import { say } from '../lib/parts.js';
import { html, useEffect, useLayoutEffect } from '../lib/preact.js';
import { View, later, useData } from '../lib/view.js';
import { Basket } from './basket.js';
import { HostHead } from './host-head.js';
import { Carried, Drift, Strip, Tray, Uplinks } from './setup.js';
import { apply, cancel, commit, dialog, drop, host, list, load, picked, redo, run, targets, undo } from './setup-state.js';

const PARTS = {
  topology: later(() => import('./host-topology.js'), 'HostTopology'), history: later(() => import('./host-history.js'), 'HostHistory'),
  drift: later(() => import('./host-drift.js'), 'HostDrift'),
};

const Forms = later(() => import('./setup-forms.js'), 'Forms');

export const Host = ({ id, tab }) => (tab === undefined ? html`<${Setup} id=${id}/>` : html`<${Part} id=${id} tab=${tab}/>`);

function Setup({ id }) {
  const found = useData(() => load(id), [id]);
  useKeys();
  useEffect(() => () => { host.value = null; }, [id]);
  const isHere = host.value?.id === id;
  return html`<${View} title="Host" of=${{ ...found, data: found.data && isHere && found.data }}>${() => html`
    <${HostHead} host=${host.value} commit=${commit}/>
    <div class="work ${picked.value ? 'is-placing' : ''}"><${Strip}/><${Uplinks}/><${Tray}/><${Basket}/></div>
    <${Drift}/><${Forms} when=${dialog.value}/><${Carried}/>`}<//>`;
}

/** A tab that shows something else than the setup of networks, of which it needs no more than the head. */
function Part({ id, tab }) {
  const path = `${OVIRT}/hosts/${id}`;
  const found = useData(() => get(path, { follow: 'cluster' }), [id]);
  const commitIt = () => post(`${path}/commitnetconfig`, {}).then(() => { say('Committed. The host boots with it.'); found.reload(); });
  return html`<${View} title="Host" of=${found}>${(tree) => html`
    <${HostHead} host=${{ ...tree, cluster: tree.cluster.name, inSync: tree.networks_in_sync, committed: tree.networks_committed }} tab=${tab} commit=${commitIt}/>
    <${PARTS[tab]} key=${tab} host=${tree} reload=${found.reload}/>`}<//>`;
}

/** Keys of this page, and a question before unsaved work is left. */
function useKeys() {
  useLayoutEffect(() => {
    const ending = new AbortController();
    addEventListener('keydown', press, { signal: ending.signal });
    addEventListener('beforeunload', (event) => { if (run.value && !isOver()) event.preventDefault(); }, { signal: ending.signal });
    return () => ending.abort();
  }, []);
}

const isOver = () => run.value?.phase === 'kept' || run.value?.phase === 'reverted';

function press(event) {
  if (document.querySelector('dialog[open]') || !host.value) return;
  const isTyping = event.target.matches('input, select, textarea');
  const isCtrl = event.ctrlKey || event.metaKey;
  if (event.key === 'Escape') cancel();
  else if (isCtrl && event.key.toLowerCase() === 'z' && !isTyping) { event.preventDefault(); (event.shiftKey ? redo : undo)(); }
  else if (isCtrl && event.key === 'Enter' && list.value.length) { event.preventDefault(); apply(); }
  else if (!isTyping && !isCtrl && single.value) place(event);
}

function place(event) {
  const there = targets.value.find((one) => one.key === event.key);
  if (!there) return;
  event.preventDefault();
  drop(there.id);
}
