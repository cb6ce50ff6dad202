// Requests to the public API. The session is a cookie that scripts cannot read; requests prolong it.
import { signal } from './preact.js';
/** @import {Call, User} from '../model/types.d.ts' */
/** @import {Signal} from './preact.js' */

export const OVIRT = '/ovirt-engine/api';
export const OWN = '/netweft/v1';
/** @typedef {Record<string, string | number | undefined>} Query */

const WHO = `${OVIRT}?follow=authenticated_user`;
const PERSISTENT = { Prefer: 'persistent-auth' };
const WRONG = 'The user name or the password is wrong. After several wrong ones the engine waits up to a minute before it looks at another.';

/** Who has logged in: undefined until it is known, null without a session, else the user of the API. @type {Signal<User | null | undefined>} */
export const user = signal(undefined);
/** Whether the user sees only what was granted to them. */
let filtered = false;
/** The newest event that is known; it is found out before a view reads anything, which may be older than all that follows this one. */
export const newest = { id: '' };

/** A request that was refused, in the engine's words. */
export class Refusal extends Error {
  /** @param {number} status @param {string} text @param {string[]} codes */
  constructor(status, text, codes) {
    super(text);
    this.status = status;
    this.codes = codes;
  }
}

/** A caught value as an error that a view shows. @type {(error: unknown) => Error} */
export const failure = (error) => (error instanceof Error ? error : new Error(String(error)));

/** The search of a list: words mean part of a name, anything else is oVirt's search, unchanged. @type {(words: string) => string} */
export const searching = (words) => searchingAny(['name'], words);

/** A search: words mean a part of any of the fields, anything else is a search, unchanged. @type {(fields: string[], words: string) => string} */
export function searchingAny(fields, words) {
  if (/[=<>]|sortby/.test(words) || !words.trim()) return words;
  return fields.map((field) => exactly(field, `*${words.trim()}*`)).join(' or ');
}

/** A search for an exact value of a field. @type {(field: string, value: string) => string} */
export const exactly = (field, value) => `${field}="${value.replace(/["\\]/g, '\\$&')}"`;

/** A path with its query; values that are empty are left out. @type {(path: string, query?: Query) => string} */
export function address(path, query = {}) {
  const said = Object.entries(query).filter(([, value]) => value !== undefined && value !== '').map(([name, value]) => [name, String(value)]);
  return said.length ? `${path}?${new URLSearchParams(said)}` : path;
}

/** @type {(path: string, query?: Query) => Promise<any>} */
export async function get(path, query) {
  const wasFiltered = filtered; // others may have been refused meanwhile
  const answer = await send('GET', address(path, query));
  if (answer.status === 403 && !wasFiltered) {
    filtered = true;
    return get(path, query);
  }
  return result(answer);
}

/** @type {(path: string, body: unknown, headers?: Record<string, string>) => Promise<any>} */
export const post = async (path, body, headers) => result(await send('POST', path, body, headers));
/** @type {(path: string, body: unknown, headers?: Record<string, string>) => Promise<any>} */
export const put = async (path, body, headers) => result(await send('PUT', path, body, headers));
/** @type {(call: Call, headers?: Record<string, string>) => Promise<any>} */
export const request = async ({ method, path, body }, headers) => result(await send(method, path, body, headers));

/** A streamed answer, such as that of events. @type {(path: string, headers: Record<string, string>, ending: AbortSignal) => Promise<Response>} */
export const stream = (path, headers, ending) =>
  fetch(path, { headers: { ...common(), ...headers }, signal: ending, cache: 'no-store' });

/** Open a session. Throws Refusal. @type {(name: string, password: string) => Promise<void>} */
export async function logIn(name, password) {
  const octets = new TextEncoder().encode(`${name.includes('@') ? name : `${name}@internal`}:${password}`);
  const secret = btoa(String.fromCharCode(...octets));
  filtered = false;
  const answer = await send('GET', WHO, undefined, { Authorization: `Basic ${secret}` });
  if (answer.status === 401) throw new Refusal(401, WRONG, []);
  const found = (await result(answer)).authenticated_user;
  await findNewest();
  user.value = found;
}

/** Find out which event is the newest, once. Where the engine does not tell it, events follow from when it is listened to. */
async function findNewest() {
  if (!newest.id) newest.id = await get(`${OVIRT}/events`, { max: 1 }).then((found) => found.event?.[0].id ?? '', () => '');
}

/** Find out whose session there is, if any. */
export async function recognize() {
  const [answer] = await Promise.all([send('GET', WHO), findNewest()]);
  const found = answer.ok ? (await answer.json()).authenticated_user : null;
  if (user.value === undefined || found?.id !== user.value?.id) user.value = found;
}

/** End the session, as a request does that does not ask for it to last, and leave nothing of it on the screen. Throws Refusal where the
 * engine cannot be told. */
export async function logOut() {
  await fetch(OVIRT, { headers: { Accept: 'application/json' }, cache: 'no-store' }).catch(() => { throw new Refusal(0, 'You are not logged out: the engine cannot be reached.', []); });
  sessionStorage.clear();
  location.assign('/ui/');
}

const common = () => ({ Accept: 'application/json', ...PERSISTENT, ...(filtered && { Filter: 'true' }) });

/** @type {(method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Response>} */
async function send(method, path, body, headers) {
  const said = body === undefined ? {} : { body: JSON.stringify(body) };
  /** @type {Record<string, string>} */
  const typed = body === undefined ? {} : { 'Content-Type': 'application/json' };
  try {
    return await fetch(path, { method, headers: { ...common(), ...typed, ...headers }, cache: 'no-store', ...said });
  } catch {
    throw new Refusal(0, 'The engine cannot be reached. Check the network, and whether the engine is running.', []);
  }
}

/** @type {(answer: Response) => Promise<any>} */
async function result(answer) {
  const tree = await answer.json().catch(() => ({}));
  if (answer.ok) return tree;
  if (answer.status === 401 && user.value) user.value = null;
  const text = tree.fault?.detail ?? tree.detail ?? `The engine answered with status ${answer.status}.`;
  throw new Refusal(answer.status, text.replace(/^\[|\]$/g, ''), (answer.headers.get('Netweft-Code') ?? '').split(', '));
}
