// Lists that are searched, sorted and paged. All of it is in the address.
import { get, searchingAny } from './api.js';
import { Menu, say } from './parts.js';
import { html, useState } from './preact.js';
import { chosen, filter, pageNumber, query } from './router.js';
import { Blank, Find, Refused, Table, View, useData } from './view.js';

const PAGE = 100;

/** What the engine has at `path`, as the address asks for: {found, words, page}. `fields`: in which words are looked for;
 * `within`: a condition that all of them meet. */
export function useList(path, fields, more = {}, within = '') {
  const [words, sort, page] = [query.value.get('search') ?? '', query.value.get('sort') ?? '', pageNumber.value];
  const wanted = searchingAny(fields, words);
  const search = [within && wanted ? `${within} and (${wanted})` : within || wanted, sort && `sortby ${sort}`].filter(Boolean).join(' ');
  const here = page > 1 ? `${search} page ${page}`.trim() : search;
  return { found: useData(() => get(path, { search: here, max: PAGE, ...more }), [path, here]), words, page, path, asked: { search, ...more } };
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

/** A list of `useList`. `of`: the rows of an answer; `hint`: what can be looked for; `empty`: what to say where there is nothing at all, [title, text];
 * `children`: what stands beside the filter. */
export function List({ list, of = (data) => data, label, hint, columns, empty, children }) {
  const { found, words, page } = list;
  const change = (text) => { filter('page', ''); filter('search', text); };
  const nothing = (data) => !of(data).length && (words || page > 1
    ? html`<${Blank} title=${`${label}: none matches`}><button type="button" class="btn" onClick=${() => change('')}>Clear the filter</button><//>`
    : html`<${Blank} title=${empty[0]}>${empty[1]}<//>`);
  return html`<div class="bar"><${Find} label=${hint} value=${words} onChange=${change}/><span class="grow"></span>${children}<${Export} label=${label} list=${list} of=${of}/></div>
    <${View} of=${found} empty=${nothing}>${(data) => html`<${Table} label=${label} columns=${columns} rows=${of(data)}/><${Pages} page=${page} more=${of(data).length === PAGE}/>`}<//>`;
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
