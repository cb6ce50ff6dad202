// Views: they show data of the engine, which may be slow, refuse, have no data, or be unreachable.
import { TYPING, single } from './keys.js';
import { onNews } from './live.js';
import { Icon, elements } from './parts.js';
import { html, useEffect, useLayoutEffect, useRef, useState } from './preact.js';
import { filter, query } from './router.js';
/** @import {Failure, Loaded} from '../model/types.d.ts' */

/** What `load` gives, anew when `keys` change or something has happened: {data, error, reload}. `keeps`: what there was before stays until then.
 * @template T @param {() => Promise<T>} load @param {unknown[]} keys @param {boolean} [keeps] @returns {Loaded<T>} */
export function useData(load, keys, keeps) {
  const [found, set] = useState(/** @type {Omit<Loaded<T>, 'reload'>} */ ({}));
  const turn = useRef(0);
  const reload = () => {
    const mine = ++turn.current;
    const isMine = () => mine === turn.current;
    return load().then(
      (data) => { if (isMine()) set({ data }); },
      (error) => { if (isMine()) set((before) => ({ data: before.data, error })); },
    );
  };
  useLayoutEffect(() => { // at once, and not after the next frame
    if (!keeps) set({});
    reload();
    const stop = onNews(reload);
    return () => { turn.current += 1; stop(); };
  }, keys);
  return { ...found, reload };
}

/** Shows `children(data)` once there is data, and until then why there is none, below `title` where the page has no heading yet.
 * `empty(data)`: what to say of nothing. */
export function View({ of: { data, error, reload }, title, empty, children }) {
  const head = title && html`<${Head} title=${title}/>`;
  if (error && !data) return html`${head}<${Problem} error=${error} reload=${reload}/>`;
  if (!data) return html`${head}<div class="skeleton" role="status"><span class="sr">Loading…</span>${[1, 2, 3, 4, 5].map((n) => html`<i key=${n}></i>`)}</div>`;
  return html`${error && html`<${Problem} error=${error} reload=${reload}/>`}${empty?.(data) || children(data)}`;
}

function Problem({ error, reload }) {
  const title = error.status === 403 ? 'You may not see this' : error.status === 404 ? 'There is no such thing' : 'This did not work';
  return html`<div class="notice ${error.status === 403 ? 'warn' : 'bad'}" role="alert">
    <${Icon} name=${error.status === 403 ? 'lock' : 'circle-alert'}/><div><b>${title}</b><p>${error.message}</p></div>
    <button type="button" class="btn" onClick=${reload}>Try again</button></div>`;
}

/** A component of a module that is loaded when it is shown first, or with `begin` before; with `when` it is nothing until that is true, and stays then.
 * `load`: imports it. After a new version of the engine its files have other addresses. */
export function later(load, name) {
  let Found = null;
  const begin = () => load().then((module) => { Found = module[name]; });
  const Later = (props) => {
    const [state, set] = useState(/** @type {{ error?: Failure }} */ ({}));
    const isThere = Boolean(Found);
    const isNeeded = useRef(false);
    isNeeded.current ||= Boolean(props.when ?? true);
    useLayoutEffect(() => {
      if (!isThere && isNeeded.current) begin().then(() => set({}), () => set({ error: new Error('A part of the page is not there: the engine was changed, or cannot be reached.') }));
    }, [isNeeded.current]);
    if (!isNeeded.current) return null;
    if (Found) return html`<${Found} ...${props}/>`;
    return state.error ? html`<${Problem} error=${state.error} reload=${() => location.reload()}/>` : html`<div class="skeleton" role="status"><span class="sr">Loading…</span></div>`;
  };
  return Object.assign(Later, { begin: () => { begin().catch(() => undefined); } }); // an error is reported when it is shown
}

/** A refusal in place of what was asked for. */
export const Refused = ({ error }) => html`<div class="notice bad" role="alert"><${Icon} name="circle-alert"/><div><p>${error.message}</p></div></div>`;

/** Nothing is there: what it is for, and what to do first. */
export const Blank = ({ title, children }) => html`<div class="blank"><h2>${title}</h2><p>${children}</p></div>`;

/** A moment as a person reads it, and in UTC when pointed at. */
export const Moment = ({ at }) => (at ? html`<time datetime=${at} title=${`${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`}>${new Date(at).toLocaleString()}</time>` : '–');

const STATES = {
  ok: ['check', 'ok'], warn: ['triangle-alert', 'warn'], bad: ['circle-alert', 'bad'], busy: ['refresh-cw', ''], rest: ['minus', ''],
};

/** A state: always a sign and a word. */
export const State = ({ kind, children }) => html`<span class="pill ${STATES[kind][1]}"><${Icon} name=${STATES[kind][0]} size=${14}/>${children}</span>`;

/** The heading of a page. `title` also names the window. */
export function Head({ title, crumbs, children }) {
  useEffect(() => { document.title = `${title} · Netweft`; }, [title]);
  return html`<div class="head">${crumbs && html`<nav class="crumbs" aria-label="Breadcrumb">${crumbs}</nav>`}
    <div class="title"><h1>${title}</h1>${children}</div></div>`;
}

/** The words that a list is filtered by. They are in the address. */
export function Find({ label, value, onChange }) {
  return html`<label class="find"><${Icon} name="search"/><input type="search" placeholder=${label} aria-label=${label} value=${value}
    onInput=${(event) => onChange(event.currentTarget.value)}/><kbd>/</kbd></label>`;
}

/** Up and down lead to the former and the next row, Space picks this one, and the point leads to what can be done with it. */
function moveInRows(event) {
  const step = { ArrowDown: 1, ArrowUp: -1, '.': 0, ' ': 0 }[event.key];
  if (step === undefined || event.ctrlKey || event.metaKey || event.altKey || event.target.matches(TYPING) || (event.key === ' ' && !event.target.matches('a'))) return;
  const rows = elements(event.currentTarget, 'tbody tr');
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const row = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
  const within = { ' ': '.pick input', '.': single.value && '[aria-haspopup=menu]' }[event.key] ?? 'a, button';
  const goal = within && row && (step || at >= 0) && elements(row, within)[0];
  if (!goal) return;
  event.preventDefault();
  if (step) goal.focus();
  else goal.click();
}

const Pick = ({ name, isOn, pick }) => html`<label class="pick"><input type="checkbox" aria-label=${name} checked=${isOn} onChange=${(event) => pick(event.currentTarget.checked)}/></label>`;

/** A table of `rows`; `columns` are [heading, cell of a row, field that it is sorted by if it can be]. The order is in the address. `select`: how rows are picked,
 * {has, nameOf, pick}, where they can be. */
export function Table({ label, columns, rows, select }) {
  return html`<div class="card scroll-x" tabindex="0" role="region" aria-label=${label} onKeyDown=${moveInRows}><table class="list"><thead><tr>
    ${select && html`<td><${Pick} name="Pick all on this page" isOn=${rows.every(select.has)} pick=${(isOn) => select.pick(rows, isOn)}/></td>`}${columns.map(([heading, , field]) => html`<${Heading} key=${heading} text=${heading} field=${field}/>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${row.id}>${select && html`<td><${Pick} name=${`Pick ${select.nameOf(row)}`} isOn=${select.has(row)} pick=${(isOn) => select.pick([row], isOn)}/></td>`}${columns.map(([heading, cell]) => html`<td key=${heading} data-label=${heading}>${cell(row)}</td>`)}</tr>`)}</tbody></table></div>`;
}

const ORDERS = { ascending: ['↑', ' desc'], descending: ['↓', null], none: ['', ''] };

function Heading({ text, field }) {
  if (!field) return html`<th scope="col">${text}</th>`;
  const sort = query.value.get('sort');
  const order = sort === field ? 'ascending' : sort === `${field} desc` ? 'descending' : 'none';
  const [sign, next] = ORDERS[order];
  const turn = () => { filter('page', ''); filter('sort', next === null ? '' : field + next); };
  return html`<th scope="col" aria-sort=${order}><button type="button" class="sort" onClick=${turn}>${text}<span aria-hidden="true">${sign}</span></button></th>`;
}

/** The parts of a page that have addresses of their own: [address below /ui/, words]. */
export const Tabs = ({ label, tabs, at }) => html`<nav class="tabs" aria-label=${label}>${tabs.map(([place, text]) => html`<a key=${place} href=${`/ui/${place}`} aria-current=${place === at ? 'page' : undefined}>${text}</a>`)}</nav>`;
