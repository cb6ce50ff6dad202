// Rollouts in progress, at the top of every page. They are read after events only, so that opening a page needs no further request.
import { OWN, get } from '../lib/api.js';
import { onNews } from '../lib/live.js';
import { Icon } from '../lib/parts.js';
import { html, useEffect, useState } from '../lib/preact.js';

const UNDER_WAY = 'status=running or status=waiting or status=reverting';

export function Moving() {
  const [found, set] = useState(/** @type {{ id: string }[]} */ ([]));
  useEffect(() => onNews(() => get(`${OWN}/rollouts`, { search: UNDER_WAY, max: 100 }).then(set, () => set([]))), []);
  if (!found.length) return null;
  const href = found.length === 1 ? `/ui/rollouts/${found[0].id}` : `/ui/rollouts?search=${encodeURIComponent(UNDER_WAY)}`;
  return html`<a class="pill moving" href=${href}><${Icon} name="rocket" size=${14}/>${found.length} ${found.length === 1 ? 'rollout' : 'rollouts'} under way</a>`;
}
