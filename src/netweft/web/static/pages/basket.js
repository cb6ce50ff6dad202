// The basket: the changes of the host, their plan, and then their progress.
import { Act, Icon, keepFocus } from '../lib/parts.js';
import { Impact, Steps } from '../lib/plan.js';
import { html, useState } from '../lib/preact.js';
import { Same, command } from '../lib/same.js';
import { Refused } from '../lib/view.js';
import * as model from '../model/setup.js';
import { Commit } from './host-head.js';
import { apply, body, canRedo, canUndo, change, commit, discard, draft, host, list, options, path, plan, redo, remember, run, undo } from './setup-state.js';
/** @import {Run} from './setup-state.js' */

const counted = (n) => `${n} ${n === 1 ? 'change' : 'changes'}`;

function Changes() {
  const takeBack = (one) => change(model.undoOne(host.value, draft.value, one), `${one.verb} ${one.what} undone`);
  return html`<ul class="chg">${list.value.map((one) => html`<li key=${one.key}><span class="vi ${one.icon}"><${Icon} name=${one.icon}/></span><span><b>${one.verb}</b> ${one.what}<small>${one.how}</small></span>
    <button type="button" class="iconbtn" aria-label=${`Undo: ${one.verb} ${one.what}`} onClick=${() => takeBack(one)}><${Icon} name="x"/></button></li>`)}</ul>`;
}

function Planned() {
  const { plan: made, error } = plan.value;
  if (error) return html`<${Refused} error=${error}/>`;
  if (!made) return html`<p class="fine" role="status"><${Icon} name="refresh-cw" size=${14} class="spin"/>The engine makes the plan…</p>`;
  const steps = made.hosts.flatMap((one) => one.plan?.steps ?? []);
  return html`<${Impact} plan=${made}/><details class="fold" open><summary>Plan, ${steps.length} ${steps.length === 1 ? 'step' : 'steps'}</summary><${Steps} steps=${steps}/></details>`;
}

function Options() {
  const set = (more) => { options.value = { ...options.value, ...more }; plan.value = {}; remember(); };
  const time = ({ currentTarget: { validity, valueAsNumber } }) => validity.valid && valueAsNumber !== options.value.seconds && set({ seconds: valueAsNumber });
  return html`<label class="opt"><input type="checkbox" checked=${options.value.commit} onChange=${(event) => set({ commit: event.currentTarget.checked })}/><span>Commit: the host boots with it</span></label>
    <label class="opt"><span>Take back after</span><input type="number" min="1" max="120" required value=${options.value.seconds} onInput=${time} onChange=${({ currentTarget }) => currentTarget.reportValidity()}/><span>s unconfirmed</span></label>`;
}

function Wanted() {
  const cli = `${command('host', 'setup-networks', host.value.name, '--confirm-within', options.value.seconds, '-f', '/dev/stdin')} <<'END'\n${model.file(host.value, draft.value, options.value)}END`;
  return html`<div class="scroll"><${Changes}/><h3 class="sub">Impact</h3><${Planned}/>
    <${Same} method="POST" path=${path.value} body=${body.value} cli=${cli}/></div>
    <div class="foot"><${Options}/><div class="two"><button type="button" class="btn ghost" onClick=${discard}>Discard</button>
      <${Act} right="configure_host_network" class="btn primary" disabled=${!plan.value.plan} onClick=${() => { apply(); keepFocus(); }}>Apply ${counted(list.value.length)}<kbd>Ctrl ⏎</kbd><//></div></div>`;
}

const Nothing = () => html`<div class="blank"><div class="loom" aria-hidden="true"><svg viewBox="0 0 120 64" fill="none"><path d="M8 16h30M50 16h62M8 32h62M82 32h30M8 48h30M50 48h62" class="w"/><path d="M44 6v20M44 38v20M76 6v4M76 22v20M76 54v4" class="v"/></svg></div>
  <h3>Nothing to change yet</h3><p>Drag a network onto an uplink, or a NIC onto a NIC to bond them. Without a mouse: <kbd>Enter</kbd> picks up, a number places.</p></div>`;

const VERDICT = {
  sent: ['refresh-cw', 'Waiting for the host', 'Unless the engine reaches it in time, the host takes the change back.'],
  apply: ['refresh-cw', 'Applying', 'The host takes the change back by itself if it loses the engine.'],
  test: ['refresh-cw', 'Applied, not yet confirmed', 'The engine opens a new connection to the host. Unless it gets there, the host takes the change back.'],
  kept: ['circle-check', 'Kept', 'The engine has reached the host over the new configuration.'],
  reverted: ['rotate-ccw', 'Not kept', 'Nothing of the change holds on the host. Your changes are still here.'],
};

const LATE = 'By now the host has rolled the change back, unless the engine confirmed it in time. This page shows which as soon as the host answers.';

/** The time that is left before the host takes a change back. */
function Ring({ left, of }) {
  const round = 2 * Math.PI * 26;
  return html`<svg class="ring" viewBox="0 0 64 64" width="64" height="64" role="img" aria-label=${`${left} seconds until the host takes the change back`}><circle cx="32" cy="32" r="26" class="r0"/>
    <circle cx="32" cy="32" r="26" class="r1" stroke-dasharray=${round} stroke-dashoffset=${round * (1 - left / of)} transform="rotate(-90 32 32)"/><text x="32" y="37" text-anchor="middle">${left}</text></svg>`;
}

/** @param {{ of: Run }} props */
function Running({ of: { phase, progress, left, error } }) {
  const [icon, title, text] = VERDICT[phase];
  const over = phase === 'kept' || phase === 'reverted';
  return html`<div class="run"><div class="verdict ${phase}">${phase === 'test' || phase === 'sent' ? html`<${Ring} left=${left} of=${options.value.seconds}/>` : html`<span class="big"><${Icon} name=${icon} size=${24} class=${over ? '' : 'spin'}/></span>`}
      <div><h3>${title}</h3><p>${left || over ? text : LATE}</p>${(progress.steps_total ?? 0) > 0 && html`<p class="quiet">${progress.steps_done} of ${progress.steps_total} steps done</p>`}</div></div>
    ${error && html`<div class="inset"><${Refused} error=${{ message: error }}/></div>`}
    ${over && html`<div class="foot"><div class="two"><button type="button" class="btn" onClick=${() => { run.value = null; keepFocus(); }}>Close</button>
      ${phase === 'kept' && host.value.committed === 'false' && html`<${Commit} commit=${commit} tone="primary">Commit: boot with it<//>`}</div></div>`}</div>`;
}

export function Basket() {
  const [open, setOpen] = useState(false);
  const count = list.value.length;
  return html`<aside class="pane basket ${open || run.value ? 'open' : ''}" aria-labelledby="h-ba">
    <div class="pane-h"><h2 id="h-ba">${run.value ? 'Change' : 'Changes'}</h2>${!run.value && html`<span class="count-n ${count ? 'hotn' : ''}">${count}</span>`}<span class="grow"></span>
      ${!run.value && html`<button type="button" class="iconbtn" aria-label="Undo" title="Undo (Ctrl Z)" disabled=${!canUndo.value} onClick=${undo}><${Icon} name="undo-2"/></button><button type="button" class="iconbtn" aria-label="Redo" title="Redo (Ctrl Shift Z)" disabled=${!canRedo.value} onClick=${redo}><${Icon} name="redo-2"/></button>`}
      <button type="button" class="btn sheet" aria-expanded=${open} onClick=${() => setOpen(!open)}>${open ? 'Close' : 'Review'}</button></div>
    ${run.value ? html`<${Running} of=${run.value}/>` : count ? html`<${Wanted}/>` : html`<${Nothing}/>`}</aside>`;
}
