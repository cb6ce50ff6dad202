// Lists that are searched, sorted and paged. All of it is in the address.
import { get, searchingAny } from './api.js';
import { Menu } from './parts.js';
import { html } from './preact.js';
import { filter, pageNumber, query } from './router.js';
import { Blank, Find, Table, View, useData } from './view.js';

const PAGE = 100;

/** What the engine has at `path`, as the address asks for: {found, words, page}. `fields`: in which words are looked for;
 * `within`: a condition that all of them meet. */
export function useList(path, fields, more = {}, within = '') {
  const [words, sort, page] = [query.value.get('search') ?? '', query.value.get('sort') ?? '', pageNumber.value];
  const wanted = searchingAny(fields, words);
  const search = [within && wanted ? `${within} and (${wanted})` : within || wanted, sort && `sortby ${sort}`, page > 1 && `page ${page}`].filter(Boolean).join(' ');
  return { found: useData(() => get(path, { search, max: PAGE, ...more }), [path, search]), words, page };
}

/** A list of `useList`. `of`: the rows of an answer; `hint`: what can be looked for; `empty`: what to say where there is nothing at all, [title, text];
 * `children`: what stands beside the filter. */
export function List({ list: { found, words, page }, of = (data) => data, label, hint, columns, empty, children }) {
  const change = (text) => { filter('page', ''); filter('search', text); };
  const nothing = (data) => !of(data).length && (words || page > 1
    ? html`<${Blank} title=${`${label}: none matches`}><button type="button" class="btn" onClick=${() => change('')}>Clear the filter</button><//>`
    : html`<${Blank} title=${empty[0]}>${empty[1]}<//>`);
  return html`<div class="bar"><${Find} label=${hint} value=${words} onChange=${change}/><span class="grow"></span>${children}</div>
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

/** The parts of a page that have addresses of their own: [address below /ui/, words]. */
export const Tabs = ({ label, tabs, at }) => html`<nav class="tabs" aria-label=${label}>${tabs.map(([place, text]) => html`<a key=${place} href=${`/ui/${place}`} aria-current=${place === at ? 'page' : undefined}>${text}</a>`)}</nav>`;
