// Parts that pages are made of.
import icons from '../vendor/icons.js';
import { h, html, signal, useId, useLayoutEffect, useRef } from './preact.js';
import { lacks } from './rights.js';
/** @import {Item} from '../model/types.d.ts' */
/** @import {Signal} from './preact.js' */
/** @typedef {false | null | undefined | ''} Nothing */

const GLIDE = { duration: 200, easing: 'cubic-bezier(.2,.8,.2,1)' };
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

const isCalm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Do `change`, and have the elements that `find` gives for `keys` glide to their new places.
 * @type {(keys: string[], find: (key: string) => Element | null | undefined, change: () => void) => void} */
export function gliding(keys, find, change) {
  const was = new Map(keys.map((key) => [key, find(key)?.getBoundingClientRect()]));
  change();
  if (!isCalm()) requestAnimationFrame(() => keys.forEach((key) => glide(find(key), was.get(key))));
}

/** @type {(element: Element | null | undefined, was: DOMRect | undefined) => void} */
function glide(element, was) {
  const now = element?.getBoundingClientRect();
  if (!element || !was || !now || (was.x === now.x && was.y === now.y)) return;
  element.animate([{ transform: `translate(${was.x - now.x}px, ${was.y - now.y}px)`, zIndex: 5 }, { transform: 'none', zIndex: 5 }], GLIDE);
}

/** Put what pops up below a button, or above it where there is no room. `x`: where its left edge would like to be. */
export function anchor(button, pop, x = button.getBoundingClientRect().left) {
  const { top, bottom } = button.getBoundingClientRect();
  const below = bottom + EDGE / 2;
  pop.style.left = `${Math.max(EDGE, Math.min(x, innerWidth - pop.offsetWidth - EDGE))}px`;
  pop.style.top = `${below + pop.offsetHeight > innerHeight ? top - pop.offsetHeight - EDGE / 2 : below}px`;
}

/** The menu that was opened last. @type {Signal<{ button: HTMLElement, label: string, items: Item[], back: HTMLElement } | null>} */
const menu = signal(null);
/** It is on every page (`Menus`). */
const popUp = () => /** @type {HTMLElement} */ (document.getElementById('menu'));

/** Open a menu below its button: {icon, text, key, run}, or with `why` one that is not possible; `right`: what it takes. There is one menu for all buttons, as a
 * page may have hundreds. `back`: what has the focus afterwards.
 * @type {(button: HTMLElement, label: string, items: (Item | Nothing)[], back?: HTMLElement) => void} */
export function openMenu(button, label, items, back = button) {
  const pop = popUp();
  if (pop.matches(':popover-open')) pop.hidePopover();
  menu.value = { button, label, back, items: items.filter((one) => !!one) };
  pop.showPopover();
}

/** @type {HTMLElement | null} */
let closing = null;
/** To be called on a press of a menu's button: a menu that is open closes by the press, and the click does not open it again. @type {(button: HTMLElement) => void} */
export function pressMenu(button) {
  closing = menu.value?.button === button && popUp().matches(':popover-open') ? button : null;
}
/** @type {typeof openMenu} */
export function clickMenu(button, label, items, back) {
  if (closing !== button) openMenu(button, label, items, back);
  closing = null;
}

/** A button, or with `href` a link, of what takes a right: it says so where the user does not have it. */
export function Act({ right, href, onClick, children, ...rest }) {
  const why = lacks(right);
  const refuse = (/** @type {MouseEvent} */ event) => { event.preventDefault(); say(why); };
  if (href && !why) return html`<a href=${href} ...${rest}>${children}</a>`;
  return html`<button type="button" ...${rest} ...${why ? { 'aria-disabled': 'true', title: why, onClick: refuse } : { onClick }}>${children}</button>`;
}

/** A button with a menu of actions. */
export const Menu = ({ label, items, icon = 'ellipsis' }) => html`<button type="button" class="iconbtn menu" aria-label=${label} aria-haspopup="menu"
  onPointerDown=${(event) => pressMenu(event.currentTarget)} onClick=${(event) => clickMenu(event.currentTarget, label, items)}><${Icon} name=${icon}/></button>`;

/** The elements in another that a selector names. @type {(within: ParentNode, selector: string) => HTMLElement[]} */
export const elements = (within, selector) => [...within.querySelectorAll(selector)].filter((one) => one instanceof HTMLElement);

/** The menu itself: once on every page. */
export function Menus() {
  /** @type {{ current: HTMLElement }} */
  const pop = useRef();
  const { button, label, items, back } = menu.value ?? { items: [] };
  useLayoutEffect(() => { // at once: the next key is for the menu
    if (!button) return;
    anchor(button, pop.current, button.getBoundingClientRect().right - pop.current.offsetWidth);
    const all = elements(pop.current, '[role=menuitem]');
    (all.find((one) => one.ariaDisabled !== 'true') ?? all[0])?.focus();
  }, [menu.value]);
  const press = (/** @type {KeyboardEvent} */ event) => {
    const all = elements(pop.current, '[role=menuitem]');
    const at = all.findIndex((one) => one === document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      all[to % all.length].focus();
    }
    if (event.key !== 'Escape' && event.key !== 'Tab') return;
    event.stopPropagation();
    pop.current.hidePopover();
    back?.focus();
  };
  const whyNot = (/** @type {Item} */ item) => item.why || lacks(item.right);
  const choose = (/** @type {Item} */ item) => () => {
    if (whyNot(item)) return;
    pop.current.hidePopover();
    back?.focus();
    item.run();
  };
  return html`<div ref=${pop} id="menu" popover="auto" role="menu" aria-label=${label ?? 'Actions'} class="pop" onKeyDown=${press}>
    ${items.map((item) => html`<button key=${item.text} type="button" role="menuitem" tabindex="-1" aria-disabled=${whyNot(item) ? 'true' : undefined} onClick=${choose(item)}>
      <${Icon} name=${item.icon}/><span>${item.text}${whyNot(item) && html`<small>${whyNot(item)}</small>`}</span>${item.key && html`<kbd>${item.key}</kbd>`}</button>`)}</div>`;
}

/** A dialog. `onClose`: what to do when a person closes it; without it the dialog stays open, but browsers close it when Escape is pressed again. */
export function Dialog({ open, title, onClose, children }) {
  /** @type {{ current: HTMLDialogElement }} */
  const ref = useRef();
  const id = useId();
  const close = () => ref.current.close();
  const closed = () => open && (onClose ? onClose() : ref.current.showModal()); // not where `open` has become false: another dialog may have been opened since
  useLayoutEffect(() => { // at once: the next key is for the dialog
    if (open && !ref.current.open) ref.current.showModal();
    if (!open && ref.current.open) close();
  }, [open]);
  return html`<dialog ref=${ref} aria-labelledby=${id} onClose=${closed} onCancel=${(event) => !onClose && event.preventDefault()} onClick=${(event) => onClose && event.target === ref.current && event.detail < 2 && close()}>
    ${open && html`<div class="dlg"><header><h2 id=${id}>${title}</h2>${onClose && html`<button type="button" class="iconbtn" aria-label="Close" onClick=${close}><${Icon} name="x"/></button>`}</header>
    <div class="dlg-body">${children}</div></div>`}</dialog>`;
}

/** Close the dialog that an event is in, so that focus is where it was before, or at the beginning of the page where that is gone. */
export function closeDialog(event) {
  event.currentTarget.closest('dialog').close();
  keepFocus();
}

/** Have the focus at the beginning of the page where what had it is gone. */
export function keepFocus() {
  setTimeout(() => { if (document.activeElement === document.body) document.getElementById('main')?.focus(); });
}

/** Arrow keys inside one stop of the Tab key. `more`: what further keys do, from all items and the present one to the next.
 * @type {(event: KeyboardEvent & { currentTarget: HTMLElement }, more?: Record<string, (all: HTMLElement[], at: number) => number | undefined>) => void} */
export function roving(event, more = {}) {
  const all = elements(event.currentTarget, '[data-item]');
  const here = document.activeElement?.closest('[data-item]');
  const at = all.findIndex((one) => one === here);
  if (at < 0) return;
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key] ?? more[event.key]?.(all, at);
  if (to === undefined) return;
  event.preventDefault();
  const next = all[Math.max(0, Math.min(all.length - 1, to))];
  all.forEach((one) => { one.tabIndex = one === next ? 0 : -1; });
  next.focus();
}
