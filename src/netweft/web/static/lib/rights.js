// What the user may do. What they may do nowhere is shown and cannot be done; what they may do on some objects only, the engine refuses on others.
import { OWN, get, user } from './api.js';
import { effect, signal } from './preact.js';

/** The action groups of the user; null until they are known. @type {import('./preact.js').Signal<Set<string> | null>} */
const held = signal(null);

effect(() => {
  const id = user.value?.id;
  held.value = null;
  if (!id) return;
  get(`${OWN}/rights`).then((found) => { if (user.value?.id === id) held.value = new Set(found.map((one) => one.name)); }, () => {}); // the engine refuses all the same
});

/** Why what takes an action group is not to be had; empty where it is. @type {(right: string | undefined) => string} */
export const lacks = (right) => (right && held.value && !held.value.has(right) ? `None of your roles allows this: it takes ${right}.` : '');
