// The one place that names what the page takes from npm.
import htm from '../vendor/htm.js';
import { h } from '../vendor/preact.js';

export { h, render } from '../vendor/preact.js';
export { useEffect, useId, useLayoutEffect, useRef, useState } from '../vendor/hooks.js';
export { batch, computed, effect, signal, useComputed } from '../vendor/signals.js';
export const html = htm.bind(h);
