// Keyboard shortcuts of all pages. The single-key ones can be turned off, for speech input and accidental presses (WCAG 2.1.4).
import { signal } from './preact.js';

const STORE = 'netweft.single-keys';
const WAIT = 1500;
/** What text is typed into, or keys choose in. */
export const TYPING = 'input:not([type=checkbox], [type=radio]), select, textarea';

/** Whether keys without Ctrl do something. */
export const single = signal(localStorage.getItem(STORE) !== 'off');

export function allowSingle(isOn) {
  single.value = isOn;
  if (isOn) localStorage.removeItem(STORE);
  else localStorage.setItem(STORE, 'off');
}

/** Call what belongs to a key. `keys`: by what is pressed: `/`, `g h` for one after the other, `Ctrl K`, `Shift F6`. Returns how to end that. */
export function onKeys(keys) {
  let first = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let due;
  const press = (event) => {
    if (document.querySelector('dialog[open]')) return;
    const name = nameOf(event, first);
    const isSingle = !/^(Ctrl |(Shift )?F\d)/.test(name);
    if (isSingle && (!single.value || event.target.matches(TYPING))) return;
    clearTimeout(due);
    first = isSingle && Object.keys(keys).some((one) => one.startsWith(`${name} `)) ? name : '';
    if (first) due = setTimeout(() => { first = ''; }, WAIT);
    if (!keys[name]) return;
    event.preventDefault();
    keys[name]();
  };
  addEventListener('keydown', press);
  return () => removeEventListener('keydown', press);
}

function nameOf(event, first) {
  if (event.ctrlKey || event.metaKey) return event.shiftKey || event.altKey ? '' : `Ctrl ${event.key.toUpperCase()}`;
  if (event.altKey) return '';
  if (/^F\d/.test(event.key)) return `${event.shiftKey ? 'Shift ' : ''}${event.key}`;
  return first ? `${first} ${event.key}` : event.key;
}
