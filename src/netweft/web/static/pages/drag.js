// Dragging by pointer shares its whole meaning with picking and placing: it only picks, points and drops.
import { drag, drop, pick, picked, target } from './setup-state.js';

const FAR = 5;
const placeAt = (x, y) => document.elementFromPoint(x, y)?.closest('[data-drop]')?.dataset.drop ?? null;

/** Begin with a pressed pointer on a network or a NIC. Nothing happens until it has moved. */
export function startDrag(event, kind, id) {
  if (event.button !== 0 || event.pointerType === 'touch') return;
  const from = { x: event.clientX, y: event.clientY };
  const ending = new AbortController();
  let moving = false;

  const move = (pointer) => {
    if (!moving && Math.hypot(pointer.clientX - from.x, pointer.clientY - from.y) < FAR) return;
    if (!moving && !(picked.value?.kind === kind && picked.value.ids.includes(id))) {
      picked.value = null;
      pick(kind, id);
    }
    moving = true;
    document.documentElement.classList.add('dragging');
    const there = target(placeAt(pointer.clientX, pointer.clientY));
    drag.value = { x: pointer.clientX, y: pointer.clientY, over: there && !there.why ? there.id : null, refused: Boolean(there?.why) };
  };
  const stop = (done) => {
    ending.abort();
    document.documentElement.classList.remove('dragging');
    if (!moving) return;
    swallowClick();
    const over = drag.value?.over;
    drag.value = null;
    if (!(done && over && drop(over))) picked.value = null;
  };
  const key = (pressed) => {
    if (pressed.key !== 'Escape') return;
    pressed.stopPropagation();
    stop(false);
  };
  const listen = (name, listener, capture = false) => addEventListener(name, listener, { signal: ending.signal, capture });
  listen('pointermove', move);
  listen('pointerup', () => stop(true));
  listen('pointercancel', () => stop(false));
  listen('keydown', key, true);
}

/** The click with which a drag ends is none. */
function swallowClick() {
  const swallow = (click) => { click.stopImmediatePropagation(); click.preventDefault(); };
  addEventListener('click', swallow, true);
  setTimeout(() => removeEventListener('click', swallow, true), 0);
}
