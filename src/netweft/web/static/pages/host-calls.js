// Actions on a host that are one request, from its page and from the list of hosts.
import { OVIRT } from '../lib/api.js';
import { command } from '../lib/same.js';
/** @import {Bulk, Call, ListRow} from '../model/types.d.ts' */

/** @type {(action: string, verb: string) => (host: ListRow) => Call} */
const call = (action, verb) => (host) => ({ method: 'POST', path: `${OVIRT}/hosts/${host.id}/${action}`, body: {}, cli: command('host', verb, host.name) });

export const sync = call('syncallnetworks', 'sync');
export const commit = call('commitnetconfig', 'commit');
export const deactivate = call('deactivate', 'deactivate');
export const activate = call('activate', 'activate');

/** @type {Bulk['actions']} */
export const ACTIONS = [
  { icon: 'refresh-cw', text: 'Synchronize', verb: 'Synchronize', right: 'configure_host_network', note: 'All that differs is put right and committed, one host after the other. Each takes it back by itself if it loses the engine; the others are then left as they are.', of: sync },
  { icon: 'save', text: 'Commit', verb: 'Commit', right: 'configure_host_network', note: 'They boot with what runs on them now.', of: commit },
  { icon: 'pause', text: 'Put into maintenance', verb: 'Put into maintenance', right: 'manipulate_host', note: 'Their virtual machines move to other hosts of their clusters first; a host waits for those that cannot. Their networks stay.', of: deactivate },
  { icon: 'play', text: 'Activate', verb: 'Activate', right: 'manipulate_host', note: 'Virtual machines may be started on them again.', of: activate },
];
