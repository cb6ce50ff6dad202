// Forms that become one request. What was typed stays when the engine refuses it.
import { failure, request } from './api.js';
import { Dialog, Icon, say } from './parts.js';
import { HostSteps, Impact, planOf } from './plan.js';
import { html, useEffect, useId, useRef, useState } from './preact.js';
import { Same } from './same.js';
import { Refused } from './view.js';
/** @import {Asked, Call, Made, Values} from '../model/types.d.ts' */
/** @import {VNode} from './preact.js' */

/** A line to type in. `hint`: what to know of it; `rows`: several lines. */
export function Field({ label, hint, rows, value = '', ...rest }) {
  const id = useId();
  const more = { id, 'aria-describedby': hint ? `${id}-hint` : undefined, autocomplete: 'off', defaultValue: value, ...rest };
  return html`<div class="field"><label for=${id}>${label}</label>${rows ? html`<textarea rows=${rows} spellcheck="false" ...${more}></textarea>` : html`<input ...${more}/>`}${hint && html`<small id=${`${id}-hint`}>${hint}</small>`}</div>`;
}

/** One of `options`, [value, words]. `none`: what to call the choice of nothing, where that is one. */
export function Choice({ label, options, value = '', none, ...rest }) {
  const id = useId();
  return html`<div class="field"><label for=${id}>${label}</label><select id=${id} ...${rest}>${none && html`<option value="" selected=${!value}>${none}</option>`}
    ${options.map(([one, words]) => html`<option key=${one} value=${one} selected=${one === value}>${words}</option>`)}</select></div>`;
}

export const Check = ({ label, checked = false, ...rest }) => html`<label class="check"><input type="checkbox" defaultChecked=${checked} ...${rest}/><span>${label}</span></label>`;

/** A dialog for one request: [the dialog, a function that opens it]. Its argument: {title, verb, tone, fields, of, said, done}; `fields` is a component, `of` makes the request
 * {method, path, body, cli} of what the form says, `said` is what is told when it is done, `done` is called with the answer. @returns {[VNode, (what: Asked | null) => void]} */
export function useAsk() {
  const [asked, ask] = useState(/** @type {Asked | null} */ (null));
  const close = () => ask(null);
  const end = (/** @type {unknown} */ answer) => {
    if (!asked) return;
    say(asked.said);
    close();
    if (asked.tone === 'danger') setTimeout(() => document.getElementById('main')?.focus()); // the element that opened the dialog may be removed
    asked.done?.(answer);
  };
  return [html`<${Dialog} open=${Boolean(asked)} title=${asked?.title} onClose=${close}>${asked && html`<${Asking} ...${asked} end=${end} cancel=${close}/>`}<//>`, ask];
}

/** @param {Asked & { end: (answer: unknown) => void, cancel: () => void }} props */
function Asking({ verb, tone = 'primary', fields, of, end, cancel }) {
  /** @type {{ current: HTMLFormElement }} */
  const form = useRef();
  const [current, setCurrent] = useState(/** @type {Call | null} */ (null));
  const [made, setMade] = useState(/** @type {Made} */ ({})); // {busy} | {error} | {plan}
  const read = () => of(new FormData(form.current));
  const update = () => { if (form.current) setCurrent(read()); }; // a click on Cancel has taken the form away
  useEffect(update, []);
  const change = () => { update(); setMade({}); };
  const send = async (event) => {
    event.preventDefault();
    setMade({ ...made, busy: true });
    try {
      const now = read();
      const plan = made.plan ?? await planOf(now);
      if (plan.hosts.length && !made.plan) setMade({ plan });
      else end(await request(now, { 'Netweft-Plan': plan.id }));
    } catch (error) {
      setMade({ error: failure(error) });
    }
  };
  return html`<form ref=${form} class="ask" onSubmit=${send} onInput=${change} onChange=${change} onClick=${update}><${fields}/>
    ${made.plan && html`<section aria-label="Plan"><p><b>${made.plan.summary.changed}</b> of ${made.plan.summary.hosts} hosts would change.</p><${Impact} plan=${made.plan}/><${HostSteps} hosts=${made.plan.hosts}/></section>`}
    ${made.error && html`<${Refused} error=${made.error}/>`}${current && html`<${Same} ...${shown(current)}/>`}
    <div class="dlg-f"><button type="button" class="btn ghost" onClick=${cancel}>Cancel</button>
      <button class="btn ${tone}" disabled=${made.busy}>${made.busy ? html`<${Icon} name="refresh-cw" class="spin"/>` : ''}${made.plan ? `${verb} and change the hosts` : verb}</button></div></form>`;
}

/** What a form of a thing begins with, which others change as well: {before, turn, touch, done}. `before` is as the thing is until somebody
 * types (`touch`), and stays then, so that only what was typed differs from it. After a change (`done`) the form begins anew: `turn` is its key.
 * @type {(now: Values) => { before: Values, turn: number, touch: () => void, done: () => void }} */
export function useBefore(now) {
  const [turn, next] = useState(0);
  const isTouched = useRef(false);
  const before = useRef(now);
  if (!isTouched.current) before.current = now;
  return { before: before.current, turn, touch: () => { isTouched.current = true; }, done: () => { isTouched.current = false; next(turn + 1); } };
}

const SECRETS = ['password', 'current'];
/** A request without its secrets. @type {(call: Call) => Call} */
const shown = (call) => ({ ...call, body: call.body && Object.fromEntries(Object.entries(call.body).map(([name, value]) => [name, SECRETS.includes(name) ? '…' : value])) });

/** What a form says in a field, as text; empty where there is none of the name. @type {(form: FormData, name: string) => string} */
export const textOf = (form, name) => String(form.get(name) ?? '');

/** The values of a form that differ from those before, by name.
 * @type {(now: Values, before: Values) => Values} */
export const differing = (now, before) => Object.fromEntries(Object.entries(now).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])));
