// The address of the page says what is shown: every object and every filter has its own.
import { computed, signal } from './preact.js';

const here = signal(new URL(location.href));
export const path = computed(() => here.value.pathname.replace(/^\/ui\/?/, '').replace(/\/$/, ''));
export const query = computed(() => here.value.searchParams);

/** The page of a list: 1 for whatever is none. */
export const pageNumber = computed(() => Math.max(1, Math.trunc(Number(query.value.get('page'))) || 1));

/** What a table has under a name of the address; nothing of what every object has.
 * @template T @param {Record<string, T>} table @param {string} name @returns {T | undefined} */
export function chosen(table, name) {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Whether the page may be left; pages with unsaved work set it. */
export const guard = { mayLeave: () => true };

export function go(href) {
  if (!guard.mayLeave()) return;
  history.pushState(null, '', href);
  here.value = new URL(location.href);
  scrollTo(0, 0);
}

/** Change one value of the query, without another step back. */
export function filter(name, value) {
  const next = new URL(here.value);
  if (value) next.searchParams.set(name, value);
  else next.searchParams.delete(name);
  history.replaceState(null, '', next);
  here.value = next;
}

/** Have links below /ui/ change what is shown rather than load the page again. */
export function follow() {
  addEventListener('popstate', () => { here.value = new URL(location.href); });
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element && event.target.closest('a[href^="/ui/"]');
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(link.getAttribute('href'));
  });
}
