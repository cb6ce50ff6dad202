// One host: its networks, and setting them up.
import { Icon, say } from '../lib/parts.js';
import { html, useEffect, useState } from '../lib/preact.js';
import { Head, View, useData } from '../lib/view.js';
import { Basket } from './basket.js';
import { Committed, HostStatus, InSync } from './hosts.js';
import { Carried, Drift, Strip, Tray, Uplinks } from './setup.js';
import { Forms } from './setup-forms.js';
import { apply, cancel, commit, drop, host, list, load, picked, redo, run, targets, undo } from './setup-state.js';

export function Host({ id }) {
  const found = useData(() => load(id), [id]);
  useKeys();
  useEffect(() => () => { host.value = null; }, [id]);
  const isHere = host.value?.id === id;
  return html`<${View} title="Host" of=${{ ...found, data: found.data && isHere && found.data }}>${() => html`
    <${Head} title=${host.value.name} crumbs=${html`<a href="/ui/hosts">Hosts</a><${Icon} name="chevron-right" size=${14}/><span>${host.value.cluster}</span>`}>
      <${HostStatus} of=${host.value.status}/><${InSync} of=${host.value.inSync}/><${Committed} of=${host.value.committed}/>${host.value.committed === 'false' && html`<${Commit}/>`}<//>
    <div class="work ${picked.value ? 'is-placing' : ''}"><${Strip}/><${Uplinks}/><${Tray}/><${Basket}/></div>
    <${Drift}/><${Forms}/><${Carried}/>`}<//>`;
}

function Commit() {
  const [busy, set] = useState(false);
  const send = () => { set(true); commit().catch((error) => say(`Not committed. ${error.message}`)).finally(() => set(false)); };
  return html`<button type="button" class="btn" disabled=${busy} onClick=${send}><${Icon} name="save"/>Commit</button>`;
}

/** Keys of this page, and a question before unsaved work is left. */
function useKeys() {
  useEffect(() => {
    const ending = new AbortController();
    addEventListener('keydown', press, { signal: ending.signal });
    addEventListener('beforeunload', (event) => { if (run.value && !isOver()) event.preventDefault(); }, { signal: ending.signal });
    return () => ending.abort();
  }, []);
}

const isOver = () => ['kept', 'reverted'].includes(run.value?.phase);

function press(event) {
  if (document.querySelector('dialog[open]') || !host.value) return;
  const isTyping = event.target.matches('input, select, textarea');
  const isCtrl = event.ctrlKey || event.metaKey;
  if (event.key === 'Escape') cancel();
  else if (isCtrl && event.key.toLowerCase() === 'z' && !isTyping) { event.preventDefault(); (event.shiftKey ? redo : undo)(); }
  else if (isCtrl && event.key === 'Enter' && list.value.length) { event.preventDefault(); apply(); }
  else if (!isTyping && !isCtrl) place(event);
}

function place(event) {
  const there = targets.value.find((one) => one.key === event.key);
  if (!there) return;
  event.preventDefault();
  drop(there.id);
}
