// Parts that pages are made of.
import icons from '../vendor/icons.js';
import { h, html, signal, useEffect, useId, useLayoutEffect, useRef } from './preact.js';

const GLIDE = { id: 'glide', duration: 200, easing: 'cubic-bezier(.2,.8,.2,1)' };
const EDGE = 8;

/** An outline icon. It is for the eye only: words beside it say the same. */
export const Icon = ({ name, size = 16, class: more = '' }) => h('svg', { class: `icon ${more}`, width: size, height: size, viewBox: '0 0 24 24', 'aria-hidden': 'true' },
  icons[name].map(([tag, attributes], n) => h(tag, { key: n, ...attributes })));

const said = signal('');

/** Have screen readers say something. */
export function say(text) {
  said.value = '';
  requestAnimationFrame(() => { said.value = text; });
}
export const Live = () => html`<div class="sr" role="status" aria-live="polite">${said}</div>`;

const seen = new Map();
const isCalm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** A reference to an element that glides to its new place when it changes its container. */
export function useGlide(key, container) {
  const ref = useRef();
  useLayoutEffect(() => {
    const element = ref.current;
    if (element.getAnimations().some((one) => one.id === GLIDE.id)) return;
    const { left, top } = element.getBoundingClientRect();
    const now = { x: left + scrollX, y: top + scrollY, container };
    const was = seen.get(key);
    seen.set(key, now);
    if (!was || was.container === container || isCalm()) return;
    element.animate([{ transform: `translate(${was.x - now.x}px, ${was.y - now.y}px)`, zIndex: 5 }, { transform: 'none', zIndex: 5 }], GLIDE);
  });
  return ref;
}

/** Put what pops up below a button, or above it where there is no room. `x`: where its left edge would like to be. */
export function anchor(button, pop, x = button.getBoundingClientRect().left) {
  const { top, bottom } = button.getBoundingClientRect();
  const below = bottom + EDGE / 2;
  pop.style.left = `${Math.max(EDGE, Math.min(x, innerWidth - pop.offsetWidth - EDGE))}px`;
  pop.style.top = `${below + pop.offsetHeight > innerHeight ? top - pop.offsetHeight - EDGE / 2 : below}px`;
}

/** A menu of actions: {icon, text, key, run}, or with `why` one that is not possible. */
export function Menu({ label, items, tabIndex }) {
  const id = useId().replace(/[^a-z0-9]/gi, '');
  const [button, pop] = [useRef(), useRef()];
  const open = (event) => {
    if (event.newState !== 'open') return;
    anchor(button.current, pop.current, button.current.getBoundingClientRect().right - pop.current.offsetWidth);
    pop.current.querySelector('[role=menuitem]:not([aria-disabled=true])')?.focus();
  };
  const press = (event) => {
    const all = [...pop.current.querySelectorAll('[role=menuitem]')];
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      all[to % all.length].focus();
    }
    if (event.key !== 'Escape' && event.key !== 'Tab') return;
    event.stopPropagation();
    pop.current.hidePopover();
    button.current.focus();
  };
  const choose = (item) => () => {
    if (item.why) return;
    pop.current.hidePopover();
    item.run();
  };
  return html`<button ref=${button} type="button" class="iconbtn menu" aria-label=${label} aria-haspopup="menu" popovertarget=${id} tabindex=${tabIndex}><${Icon} name="ellipsis"/></button>
    <div ref=${pop} id=${id} popover="auto" role="menu" aria-label=${label} class="pop" onToggle=${open} onKeyDown=${press}>
      ${items.filter(Boolean).map((item) => html`<button key=${item.text} type="button" role="menuitem" tabindex="-1" aria-disabled=${item.why ? 'true' : undefined} onClick=${choose(item)}>
        <${Icon} name=${item.icon}/><span>${item.text}${item.why && html`<small>${item.why}</small>`}</span>${item.key && html`<kbd>${item.key}</kbd>`}</button>`)}</div>`;
}

/** A dialog. `onClose`: what to do when a person closes it; without it nobody can. */
export function Dialog({ open, title, onClose, children }) {
  const ref = useRef();
  const id = useId();
  const close = () => ref.current.close();
  useEffect(() => {
    if (open && !ref.current.open) ref.current.showModal();
    if (!open && ref.current.open) close();
  }, [open]);
  return html`<dialog ref=${ref} aria-labelledby=${id} onClose=${onClose} onCancel=${(event) => !onClose && event.preventDefault()} onClick=${(event) => onClose && event.target === ref.current && close()}>
    ${open && html`<div class="dlg"><header><h2 id=${id}>${title}</h2>${onClose && html`<button type="button" class="iconbtn" aria-label="Close" onClick=${close}><${Icon} name="x"/></button>`}</header>
    <div class="dlg-body">${children}</div></div>`}</dialog>`;
}

/** Close the dialog that an event is in, so that focus is where it was before, or at the beginning of the page where that is gone. */
export function closeDialog(event) {
  event.currentTarget.closest('dialog').close();
  if (document.activeElement === document.body) document.getElementById('main').focus();
}

/** Arrow keys inside one stop of the Tab key. `more`: what further keys do, from all items and the present one to the next. */
export function roving(event, more = {}) {
  const all = [...event.currentTarget.querySelectorAll('[data-item]')];
  const at = all.indexOf(document.activeElement.closest('[data-item]'));
  if (at < 0) return;
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key] ?? more[event.key]?.(all, at);
  if (to === undefined) return;
  event.preventDefault();
  const next = all[Math.max(0, Math.min(all.length - 1, to))];
  all.forEach((one) => { one.tabIndex = one === next ? 0 : -1; });
  next.focus();
}
