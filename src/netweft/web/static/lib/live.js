// Live events: one stream for the whole page, resumed after the last received event.
import { OWN, Refusal, newest, recognize, stream, user } from './api.js';
import { effect, signal } from './preact.js';
/** @import {News} from '../model/types.d.ts' */
/** @import {Signal} from './preact.js' */

const KEPT = 200;
const AGAIN = 2000;
const CALM = 300;

/** {ok, since}: whether the stream is there, and since when it is not. @type {Signal<{ ok: boolean, since: Date | null }>} */
export const state = signal({ ok: false, since: null });
/** Events since the page was opened, the newest first. @type {Signal<News[]>} */
export const events = signal([]);

/** @type {Set<() => unknown>} */
const listeners = new Set();
/** Whether the stream has been there before. */
let wasThere = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let due;

/** Call `listener` soon after something has happened. Returns how to end that. */
export function onNews(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Read the stream while there is a session and this tab is visible: a browser has six connections to an engine, which all its tabs share. */
export function listen() {
  /** @type {AbortController | null} */
  let ended = null;
  const isSeen = signal(!document.hidden);
  document.addEventListener('visibilitychange', () => {
    isSeen.value = !document.hidden;
    if (isSeen.value && user.value === null) recognize().catch(() => undefined); // another tab may have logged in
  });
  effect(() => {
    if (ended) state.value = { ok: false, since: null };
    ended?.abort();
    ended = user.value && isSeen.value ? new AbortController() : null;
    if (ended) keepReading(ended.signal);
  });
}

async function keepReading(ending) {
  while (!ending.aborted) {
    try {
      const answer = await stream(`${OWN}/events`, newest.id ? { 'Last-Event-ID': newest.id } : {}, ending);
      if (answer.status === 401) user.value = null;
      else if (wasThere) await recognize(); // the session may be another user's by now
      if (ending.aborted) return;
      if (answer.ok && answer.body) await read(answer.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch (error) {
      if (!(error instanceof TypeError) && !(error instanceof Refusal) && !(error instanceof DOMException && error.name === 'AbortError')) throw error; // the connection is gone
    }
    if (ending.aborted) return;
    if (state.value.ok || !state.value.since) state.value = { ok: false, since: new Date() };
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
}

async function read(reader) {
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (!state.value.ok) {
      state.value = { ok: true, since: null };
      if (wasThere) tell(); // of what was missed
      wasThere = true;
    }
    const parts = (text + value).split('\n\n');
    text = parts.pop() ?? '';
    parts.forEach(take);
  }
}

function take(part) {
  const data = part.split('\n').find((line) => line.startsWith('data: '));
  if (!data) return;
  const event = JSON.parse(data.slice(6));
  newest.id = String(event.id);
  events.value = [event, ...events.value].slice(0, KEPT);
  tell();
}

function tell() {
  clearTimeout(due);
  due = setTimeout(() => listeners.forEach((listener) => listener()), CALM);
}
