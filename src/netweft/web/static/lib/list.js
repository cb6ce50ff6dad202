// Lists that are searched, sorted and paged. All of it is in the address.
import { get, searchingAny } from './api.js';
import { Act, Icon, Menu, keepFocus, say } from './parts.js';
import { html, useState } from './preact.js';
import { chosen, filter, pageNumber, path as place, query } from './router.js';
import { Blank, Find, Refused, Table, View, later, useData } from './view.js';
/** @import {Bulk, ListRow, TableColumn} from '../model/types.d.ts' */

const PAGE = 100;

/** What the engine has at `path`, as the address asks for: {found, words, page}. `fields`: in which words are looked for;
 * `within`: a condition that all of them meet. */
export function useList(path, fields, more = {}, within = '') {
  const [words, sort, page] = [query.value.get('search') ?? '', query.value.get('sort') ?? '', pageNumber.value];
  const expression = searchingAny(fields, words);
  const search = [within && expression ? `${within} and (${expression})` : within || expression, sort && `sortby ${sort}`].filter(Boolean).join(' ');
  const here = page > 1 ? `${search} page ${page}`.trim() : search;
  return { found: useData(() => get(path, { search: here, max: PAGE, ...more }), [path, here], true), words, page, path, asked: { search, ...more } };
}

/** The condition that the address narrows a list to: `table` has [words, condition] by its name there. @type {(table: Record<string, string[]>) => string | undefined} */
export const narrowedBy = (table) => chosen(table, query.value.get('show') ?? '')?.[1];

/** What to say where such a list has nothing, as `empty` of `List`. */
export const noneNarrowed = (one, all) => [`No such ${one}`, html`<button type="button" class="btn" onClick=${() => filter('show', '')}>Show all ${all}</button>`];

/** Chooses what a list is narrowed to. */
export function Narrow({ table }) {
  const change = (event) => { filter('page', ''); filter('show', event.currentTarget.value); };
  return html`<label class="show">Show<select value=${query.value.get('show') ?? ''} onChange=${change}><option value="">all</option>${Object.entries(table).map(([name, [text]]) => html`<option key=${name} value=${name}>${text}</option>`)}</select></label>`;
}

/** Saves all that the filter of a list finds as a file. */
function Export({ label, list: { path, asked }, of }) {
  const [error, set] = useState(/** @type {Error | null} */ (null));
  const save = (kind) => import('./export.js').then((module) => module.save(kind, label, path, asked, of)).then(() => { set(null); say(`${label} saved as a file.`); }, set);
  const item = (kind) => ({ icon: 'save', text: `As ${kind.toUpperCase()}`, run: () => save(kind) });
  return html`<${Menu} icon="save" label=${`Save ${label} as a file`} items=${[item('csv'), item('json')]}/>${error && html`<${Refused} error=${error}/>`}`;
}

/** The visible columns of a list, and the menu that hides and shows them: the first one and the actions of a row are always visible.
 * @type {(label: string, columns: TableColumn[]) => [TableColumn[], unknown]} */
function useColumns(label, columns) {
  const key = `netweft.hidden.${place.value.split('/')[0]}.${label}`; // a list of another area may have the same name
  const [hidden, set] = useState(() => (localStorage.getItem(key) ?? '').split('\n'));
  const [density, setDensity] = useState(document.documentElement.dataset.density ?? '');
  const turn = (/** @type {string} */ heading) => () => {
    const now = hidden.includes(heading) ? hidden.filter((one) => one !== heading) : [...hidden, heading];
    localStorage.setItem(key, now.join('\n'));
    set(now);
  };
  const space = () => {
    const now = density ? '' : 'compact';
    localStorage.setItem('netweft.density', document.documentElement.dataset.density = now);
    setDensity(now);
  };
  const items = columns.slice(1).filter(([heading]) => heading !== 'Actions').map(([heading]) => {
    const isHidden = hidden.includes(heading);
    return { icon: isHidden ? 'minus' : 'check', text: `${isHidden ? 'Show' : 'Hide'} ${heading}`, run: turn(heading) };
  });
  const menu = html`<${Menu} icon="sliders-horizontal" label=${`Columns of ${label}`} items=${[...items, { icon: 'layers', text: density ? 'Higher rows' : 'Lower rows', run: space }]}/>`;
  return [columns.filter(([heading], n) => !n || heading === 'Actions' || !hidden.includes(heading)), menu];
}

const BulkDialog = later(() => import('./bulk.js'), 'BulkDialog');

/** What is done with several rows at once: {select, bar}: for `Table`, and what stands above it. They stay picked on other pages and with other filters.
 * @type {(bulk: Bulk | undefined) => { select?: object, bar?: unknown }} */
function usePicked(bulk) {
  const [picked, set] = useState(/** @type {Map<string, ListRow>} */ (new Map()));
  const [action, ask] = useState(/** @type {Bulk['actions'][0] | null} */ (null));
  if (!bulk) return {};
  const pick = (/** @type {ListRow[]} */ rows, /** @type {boolean} */ isOn) => {
    const now = new Map(picked);
    rows.forEach((row) => { if (isOn) now.set(row.id, row); else now.delete(row.id); });
    set(now);
  };
  const rows = [...picked.values()];
  const bar = html`<div class="bar picks" role="group" aria-label="Picked"><span role="status">${picked.size > 0 && `${picked.size} picked`}</span>${picked.size > 0 && html`
    ${bulk.actions.map((one) => html`<${Act} key=${one.text} right=${one.right} class="btn" onClick=${() => ask(one)}><${Icon} name=${one.icon}/>${one.text}…<//>`)}
    <button type="button" class="btn ghost" onClick=${() => { set(new Map()); keepFocus(); }}>Pick none</button>`}</div>
    ${action && html`<${BulkDialog} action=${action} rows=${rows} nameOf=${bulk.nameOf} onClose=${(/** @type {ListRow[]} */ done) => { ask(null); pick(done, false); keepFocus(); }}/>`}`;
  return { bar, select: { has: (/** @type {ListRow} */ row) => picked.has(row.id), nameOf: bulk.nameOf, pick } };
}

/** A list of `useList`. `of`: the rows of an answer; `hint`: what can be looked for; `empty`: what to say where there is nothing at all, [title, text];
 * `bulk`: what is done with several rows, {nameOf, actions}; `children`: what stands beside the filter. */
export function List({ list, of = (data) => data, label, hint, columns, empty, bulk, children }) {
  const { found, words, page } = list;
  const [shown, chooser] = useColumns(label, columns);
  const { select, bar } = usePicked(bulk);
  const change = (text) => { filter('page', ''); filter('search', text); };
  const nothing = (data) => !of(data).length && (words || page > 1
    ? html`<${Blank} title=${`${label}: none matches`}><button type="button" class="btn" onClick=${() => change('')}>Clear the filter</button><//>`
    : html`<${Blank} title=${empty[0]}>${empty[1]}<//>`);
  return html`<div class="bar"><${Find} label=${hint} value=${words} onChange=${change}/><span class="grow"></span>${children}${chooser}<${Export} label=${label} list=${list} of=${of}/></div>${bar}
    <${View} of=${found} empty=${nothing}>${(data) => html`<${Table} label=${label} columns=${shown} rows=${of(data)} select=${select}/><${Pages} page=${page} more=${of(data).length === PAGE}/>`}<//>`;
}

/** To the next and the former page of a list. */
export function Pages({ page, more }) {
  if (page === 1 && !more) return null;
  const to = (number) => () => filter('page', number > 1 ? String(number) : '');
  return html`<nav class="pages" aria-label="Pages"><button type="button" class="btn" disabled=${page === 1} onClick=${to(page - 1)}>Former</button><span>Page ${page}</span>
    <button type="button" class="btn" disabled=${!more} onClick=${to(page + 1)}>Next</button></nav>`;
}

/** The menu of a row: `more` actions, editing, and removing. `rights`: what these two take, [editing, removing]. */
export const Manage = ({ name, rights, edit, remove, more = [] }) => html`<${Menu} label=${`Actions for ${name}`}
  items=${[...more, edit && { icon: 'pencil', text: 'Edit…', right: rights[0], run: edit }, { icon: 'trash', text: 'Remove…', right: rights.at(-1), run: remove }]}/>`;
