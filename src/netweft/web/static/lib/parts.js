// Parts that pages are made of.
import { h, html, signal, useEffect, useId, useLayoutEffect, useRef } from './preact.js';
import icons from '../vendor/icons.js';

export const Icon = ({ name, size = 16, class: cls = '' }) => h('svg', { class: `icon ${cls}`, width: size, height: size, viewBox: '0 0 24 24', 'aria-hidden': 'true' },
  (icons[name] ?? []).map(([tag, attrs], i) => h(tag, { key: i, ...attrs })));

export const said = signal('');
export const say = (text) => { said.value = ''; requestAnimationFrame(() => { said.value = text; }); };
export const Live = () => html`<div class="sr" role="status" aria-live="polite">${said}</div>`;

export const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** An item that changes its container glides there (first, last, invert, play). */
const seen = new Map();
export function useGlide(key, container) {
  const ref = useRef();
  useLayoutEffect(() => {
    const el = ref.current; if (!el || el.getAnimations().some((a) => a.id === 'glide')) return;
    const r = el.getBoundingClientRect(); const now = { x: r.left + scrollX, y: r.top + scrollY, container }; const was = seen.get(key); seen.set(key, now);
    if (was && was.container !== container && !calm()) el.animate([{ transform: `translate(${was.x - now.x}px, ${was.y - now.y}px)`, zIndex: 5 }, { transform: 'none', zIndex: 5 }], { id: 'glide', duration: 200, easing: 'cubic-bezier(.2,.8,.2,1)' });
  });
  return ref;
}

export const anchor = (btn, pop) => {
  const b = btn.getBoundingClientRect();
  pop.style.left = `${Math.max(8, Math.min(b.left, innerWidth - pop.offsetWidth - 8))}px`;
  pop.style.top = `${b.bottom + 6 + pop.offsetHeight > innerHeight ? b.top - pop.offsetHeight - 6 : b.bottom + 6}px`;
};

export function Menu({ label, items, icon = 'ellipsis', tabIndex }) {
  const id = useId().replace(/[^a-z0-9]/gi, ''); const pop = useRef(); const btn = useRef();
  const place = (e) => {
    if (e.newState !== 'open') return;
    const b = btn.current.getBoundingClientRect(), p = pop.current; 
    p.style.left = `${Math.max(8, Math.min(b.right - p.offsetWidth, innerWidth - p.offsetWidth - 8))}px`;
    p.style.top = `${b.bottom + 4 + p.offsetHeight > innerHeight ? b.top - p.offsetHeight - 4 : b.bottom + 4}px`;
    p.querySelector('[role=menuitem]:not([aria-disabled=true])')?.focus();
  };
  const key = (e) => {
    const all = [...pop.current.querySelectorAll('[role=menuitem]')]; const at = all.indexOf(document.activeElement);
    const go = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[e.key];
    if (go !== undefined) { e.preventDefault(); e.stopPropagation(); all[go % all.length].focus(); }
    if (e.key === 'Escape' || e.key === 'Tab') { e.stopPropagation(); pop.current.hidePopover(); btn.current.focus(); }
  };
  return html`<button ref=${btn} type="button" class="iconbtn menu" aria-label=${label} aria-haspopup="menu" popovertarget=${id} tabindex=${tabIndex}><${Icon} name=${icon}/></button>
    <div ref=${pop} id=${id} popover="auto" role="menu" aria-label=${label} class="pop" onToggle=${place} onKeyDown=${key}>
      ${items.filter(Boolean).map((i) => html`<button key=${i.text} type="button" role="menuitem" tabindex="-1" aria-disabled=${i.why ? 'true' : undefined}
        onClick=${() => { if (i.why) return; pop.current.hidePopover(); i.run(); }}><${Icon} name=${i.icon}/><span>${i.text}${i.why && html`<small>${i.why}</small>`}</span>${i.key && html`<kbd>${i.key}</kbd>`}</button>`)}
    </div>`;
}

/** A dialog. `onClose`: what to do when a person closes it; without it nobody can. */
export function Dialog({ open, title, onClose, children }) {
  const ref = useRef(); const id = useId();
  useEffect(() => { const d = ref.current; if (open && !d.open) d.showModal(); if (!open && d.open) d.close(); }, [open]);
  return html`<dialog ref=${ref} aria-labelledby=${id} onClose=${onClose} onCancel=${(e) => !onClose && e.preventDefault()} onClick=${(e) => onClose && e.target === ref.current && ref.current.close()}>
    ${open && html`<div class="dlg"><header><h2 id=${id}>${title}</h2>${onClose && html`<button type="button" class="iconbtn" aria-label="Close" onClick=${() => ref.current.close()}><${Icon} name="x"/></button>`}</header>
    <div class="dlg-body">${children}</div></div>`}</dialog>`;
}

/** Arrow keys inside one tab stop. Items are found in document order. */
export function roving(e, extra = {}) {
  const all = [...e.currentTarget.querySelectorAll('[data-item]')]; const at = all.indexOf(document.activeElement.closest?.('[data-item]'));
  if (at < 0) return;
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[e.key] ?? extra[e.key]?.(all, at);
  if (to === undefined) return;
  e.preventDefault();
  const el = all[Math.max(0, Math.min(all.length - 1, to))];
  all.forEach((x) => { x.tabIndex = x === el ? 0 : -1; });
  el.focus();
}
