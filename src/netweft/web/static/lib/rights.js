// The rights of the user. Actions without a right on any object are disabled; those with a right on some objects only are refused by the engine on others.
import { OWN, get, user } from './api.js';
import { onNews } from './live.js';
import { signal } from './preact.js';
import { path } from './router.js';

const KEPT = 10_000;

/** The action groups of the user; null until they are known. @type {import('./preact.js').Signal<Set<string> | null>} */
const held = signal(null);
let of = '';
let until = 0;

/** Ask for them, unless that was just done: roles come and go. Where the engine does not tell, it refuses all the same. */
function look() {
  const id = user.value?.id ?? '';
  if (of !== id) [of, until, held.value] = [id, 0, null];
  if (!id || Date.now() < until) return;
  until = Date.now() + KEPT;
  get(`${OWN}/rights`).then((found) => { if (of === id) held.value = new Set(found.map((one) => one.name)); }, () => { until = 0; });
}

user.subscribe(look);
path.subscribe(look);
onNews(look);

/** Why what takes an action group is not to be had; empty where it is. @type {(right: string | undefined) => string} */
export const lacks = (right) => (right && held.value && !held.value.has(right) ? `None of your roles allows this: it takes ${right}.` : '');
