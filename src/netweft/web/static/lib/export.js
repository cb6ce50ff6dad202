// A whole list as a file: all that its filter finds, on every page.
import { get } from './api.js';

const AT_ONCE = 1000;

/** @type {(path: string, query: Record<string, string | number | undefined>, of: (data: any) => any[]) => Promise<any[]>} */
async function all(path, query, of) {
  const rows = [];
  for (let page = 1; ; page += 1) {
    const found = of(await get(path, { ...query, search: [query.search, page > 1 && `page ${page}`].filter(Boolean).join(' '), max: AT_ONCE }));
    rows.push(...found);
    if (found.length < AT_ONCE) return rows;
  }
}

/** A value in a cell of a spreadsheet, which must not take text for a formula. */
function cell(value) {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  if (typeof value !== 'object') return String(value);
  return Array.isArray(value) ? value.map(cell).join(' ') : cell(value.name ?? JSON.stringify(value));
}

/** @type {(rows: any[]) => string} */
function asCsv(rows) {
  const names = [...new Set(rows.flatMap(Object.keys))];
  return [names, ...rows.map((row) => names.map((name) => cell(row[name])))].map((line) => line.map((text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(',')).join('\r\n');
}

const KINDS = { csv: ['text/csv', asCsv], json: ['application/json', (rows) => JSON.stringify(rows, null, 1)] };

/** Save a list as a file. Throws Refusal. */
export async function save(kind, name, path, query, of) {
  const [type, write] = KINDS[kind];
  const url = URL.createObjectURL(new Blob([write(await all(path, query, of)), '\n'], { type }));
  Object.assign(document.createElement('a'), { href: url, download: `${name.toLowerCase().replaceAll(' ', '-')}.${kind}` }).click();
  setTimeout(() => URL.revokeObjectURL(url));
}
