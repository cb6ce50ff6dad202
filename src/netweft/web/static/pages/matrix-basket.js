// What would change in the matrix, the plan of each change, and how they were applied, one after the other.
import { OWN, post, request } from '../lib/api.js';
import { Planned } from '../lib/planned.js';
import { Icon, say } from '../lib/parts.js';
import { html, useEffect, useState } from '../lib/preact.js';
import { Same } from '../lib/same.js';
import { Refused, State } from '../lib/view.js';

const counted = (n) => `${n} ${n === 1 ? 'change' : 'changes'}`;
const without = (draft, key) => { const { [key]: _, ...rest } = draft; return rest; };

/** Where the changes go from the screen, their buttons go as well. */
const backToGrid = () => document.querySelector('.grid [tabindex="0"]')?.focus();

const planOf = ({ method, path, body }) => post(`${OWN}/requestplans`, { method, path, body });

/** The changes of `list`. Each is reviewed and applied by itself: what one of them is refused for does not undo those before it. */
export function MatrixBasket({ list, draft, setDraft, reload }) {
  const [made, set] = useState(null); // [{key, plan} | {key, error}], in the order of the list
  const [busy, setBusy] = useState('');
  const wish = JSON.stringify(list.map((one) => one.call));
  useEffect(() => set(null), [wish]);
  const of = (one) => made?.find((each) => each.key === one.key);
  const isReady = made && list.every((one) => of(one)?.plan);
  const review = async () => {
    setBusy('Planning…');
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
      ${isReady ? html`<button type="button" class="btn primary" disabled=${Boolean(busy)} onClick=${apply}>${busy || `Apply ${counted(list.length)}`}</button>` : html`<button type="button" class="btn primary" disabled=${Boolean(busy)} onClick=${review}>${busy || 'Review'}</button>`}</div></div></aside>`;
}

/** Make changes one after the other until one is refused. */
async function applyAll(list, of) {
  const ended = [];
  for (const { key, call } of list) {
    try {
      await request(call, { 'Netweft-Plan': of({ key }).plan.id });
      ended.push({ key, done: true });
    } catch (error) {
      ended.push({ key, error });
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
