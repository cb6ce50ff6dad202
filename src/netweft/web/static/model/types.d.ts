// The types of what the models reckon with, and of what several modules hand to each other. For `make pagetypes`; no browser reads them.

// A host, and the desired state of its networks (host.js, setup.js)

export type Address = { method: string; address: string; prefix: string; gateway: string };
/** As they are typed; empty for no limit. */
export type Limits = { share: string; upper: string; real: string };
/** What a network has on a host besides its place. `qos`: null means that of the network. */
export type Config = { v4: Address; v6: Address; dns: string[]; qos: Limits | null; properties: Record<string, string> };
export type Parts = Partial<Config>;

/** `id` is the name: networks, NICs and bonds of a host are identified by their names. `vlan`: null for untagged. */
export type Network = {
  id: string; uuid: string; vlan: number | null; mtu: number; roles: string[]; isForVms: boolean; label: string; required: boolean; provider: boolean;
};
/** `functions`: null for a NIC that knows none; `of`: the NIC that it is a function of. */
export type Nic = { id: string; uuid: string; speed: number; up: boolean; cable: string; functions: { count: number; most: number; all: boolean } | null; of: string };
export type BondOptions = { mode: string; [name: string]: string };
export type Bond = { nics: string[]; options: BondOptions };
export type Difference = { name: string; expected: string | null; actual: string | null };
export type Attachment = { id: string; inSync: boolean; config: Config; seen: { v4: Address; v6: Address }; differences: Difference[] };

/** A virtual interface card as the engine tells of it. */
export type Card = { pci_address: string; model: string | null; static: string[]; free: number; dynamic: { name: string | null; pci_address: string; vm: string | null; free: boolean }[] };

export type Host = {
  id: string; name: string; status: string; cluster: string; networks: Network[]; cards: Card[]; inSync?: string; committed?: string; vms: number;
  nics: Nic[]; bonds: Record<string, Bond>; labels: Record<string, string>; place: Record<string, string>; attachments: Record<string, Attachment>;
};
export type Draft = {
  bonds: Record<string, Bond>; place: Record<string, string>; labels: Record<string, string>; set: Record<string, Parts>; sync: string[];
};
/** `mode`: of a bond; none for a NIC that stands alone. */
export type Uplink = { id: string; nics: Nic[]; speed: number; mode?: string };
/** A change of the basket: what of the draft it is by one of `bond`, `label`, `net`, `set` and `sync`. */
export type Change = { key: string; icon: string; verb: string; what: string; how: string; bond?: string; label?: string; net?: string; set?: string; sync?: string };

// A host as the engine tells of its networking

type Id = { id: string };
export type ApiAddress = { address: string | null; prefix: number | null; gateway: string | null };
type ApiAddressing = ApiAddress & { method: string; current: ApiAddress | null };
export type ApiLimits = { share: number | null; upper_limit: number | null; real_time: number | null };
export type ApiNic = {
  id: string; name: string; up: boolean; speed: number | null; labels: string[]; neighbours: string[]; physical: string | null;
  functions: { count: number; max: number; all_networks: boolean } | null;
};
export type ApiBond = { id: string; name: string; up: boolean; nics: string[]; options: BondOptions; labels: string[] };
export type ApiNetwork = { id: string; name: string; vlan: number | null; mtu: number; roles: string[]; label: string | null; required: boolean; provided: boolean };
export type ApiAttachment = {
  id: string; network: string; uplink: string; ipv4: ApiAddressing; ipv6: ApiAddressing; dns: string[] | null; qos: ApiLimits | null;
  properties: Record<string, string>; in_sync: boolean; differences: Difference[];
};
export type ApiHost = {
  id: string; name: string; status: string; cluster: { id: string; name: string }; in_sync: boolean | null; committed: boolean | null; vms: number;
  nics: ApiNic[]; bonds: ApiBond[]; networks: ApiNetwork[]; attachments: ApiAttachment[]; cards: Card[];
};

// What a request says of an attachment, as oVirt's API has it

export type ApiIp = { version: string; address?: string; netmask?: string; gateway?: string };
export type ApiAssignment = { assignment_method: string; ip: ApiIp };
export type ApiQos = { outbound_average_linkshare?: string; outbound_average_upperlimit?: string; outbound_average_realtime?: string };

// The matrix (matrix.js)

export type Row = { id: string; name: string; vlan: number | null; vm_network: boolean; data_center: string };
export type Column = { id: string; name: string; hosts: number; data_center: Id };
export type Desired = { required: boolean; roles: string[] };
export type Cell = Desired & { network: string; cluster: string; hosts: number; missing: number; out_of_sync: number };
export type Matrix = { networks: Row[]; clusters: Column[]; cells: Cell[]; networks_total: number; clusters_total: number };
/** The desired state by the keys of cells, null for not attached. */
export type MatrixDraft = Record<string, Desired | null>;
export type MatrixChange = { key: string; icon: string; verb: string; what: string; how: string; call: Call };

// How guests reach switches (topology.js)

type ApiVnic = { id: string; name: string; mac: string; network: string | null; nic: string | null; plugged: boolean; linked: boolean };
type ApiGuest = { id: string; name: string; status: string; vnics: ApiVnic[] };
type ApiUplinkNic = { name: string; up: boolean; speed: number | null; bond: string | null; ports: { device: string; port: string }[] };
type ApiHostNetwork = { id: string; name: string; vlan: number | null; uplink: string | null; bridge: string | null; present: boolean };
export type ApiTopology = { lldp: boolean; guests: ApiGuest[]; networks: ApiHostNetwork[]; bonds: { name: string; up: boolean; mode: string }[]; nics: ApiUplinkNic[] };

export type PortNode = { key: string; kind: 'port'; name: string; device: string };
export type NicNode = { key: string; kind: 'nic'; name: string; up: boolean; speed: number | null; bond: string | null };
export type BondNode = { key: string; kind: 'bond'; name: string; up: boolean; mode: string; nics: NicNode[] };
export type NetworkNode = ApiHostNetwork & { key: string; kind: 'network'; tag: string };
export type VnicNode = ApiVnic & { key: string; kind: 'vnic'; guest: string };
export type GuestNode = Omit<ApiGuest, 'vnics'> & { key: string; kind: 'guest'; vnics: VnicNode[] };
export type TopologyNode = PortNode | NicNode | BondNode | NetworkNode | VnicNode | GuestNode;
export type Kind = TopologyNode['kind'];
export type NodeOf<K extends Kind> = Extract<TopologyNode, { kind: K }>;
/** Adds a node, and gives it. */
export type Add = <K extends Kind>(node: { kind: K } & NodeOf<K>) => NodeOf<K>;
/** By the keys of nodes: the keys of those beside them. */
export type Edges = Map<string, string[]>;
export type Topology = {
  guests: GuestNode[]; networks: NetworkNode[]; uplinks: (BondNode | NicNode)[]; switches: { name: string; ports: PortNode[] }[];
  nodes: Map<string, TopologyNode>; right: Edges; left: Edges;
};
export type Way = { network?: NetworkNode; bond?: BondNode; nics: NicNode[]; ports: PortNode[] };
export type TopologyRow = Way & { id: string; guest?: GuestNode; vnic?: VnicNode };
export type Group = { key: string; name: string; to?: string; guests: GuestNode[] };

// Requests, plans, and what parts of the page hand to each other (lib)

/** A request to the API as it is made and as it is shown. `cli`: the command that does the same, where there is one. */
export type Call = { method: string; path: string; body?: unknown; cli?: string | false; headers?: Record<string, string> };
export type Loss = 'none' | 'blip' | 'outage';
export type Step = { step: string; loss: Loss };
export type HostOfPlan = { host: { id: string; name: string }; problem: string | null; plan: { steps: Step[] } | null; wave: number | null; canary: boolean; evacuated: string[] };
/** What the engine says that a request would have hosts do. */
export type Plan = {
  id: string; hosts: HostOfPlan[]; others: string[];
  summary: { hosts: number; changed: number; networks: { id: string; name: string; roles: string[]; loss: Loss }[]; vms: string[] };
};
export type Progress = { phase?: string; steps_done?: number; steps_total?: number; seconds_left?: number };
export type Job = { id: string; status: string; error: string | null; progress: Progress };
/** Why something was not done: a refusal of the engine, or any other error. */
export type Failure = { message: string; status?: number; codes?: string[] };
export type User = { id: string; user_name: string };
/** What has happened, as the stream tells of it. */
export type News = { id: number; at: string; [more: string]: unknown };

/** What `useData` gives. */
export type Loaded<T> = { data?: T; error?: Failure; reload: () => Promise<void> };
/** What a form says, by the names of its fields. */
export type Values = Record<string, any>;
/** How a request in a form is getting on. */
export type Made = { busy?: boolean; error?: Failure; call?: Call; plan?: Plan; started?: { id: string; number: number } | null };
/** An action of a menu. `why`: why it is not possible. */
export type Item = { icon: string; text: string; key?: string; right?: string; why?: string | false | null; run: () => unknown };
/** What a dialog asks for (`useAsk`). */
export type Asked = {
  title: string; verb: string; tone?: string; said: string; fields: () => unknown; of: (form: FormData) => Call; done?: (answer: any) => unknown;
};
export type ListRow = { id: string; name?: string; [more: string]: any };
/** A column of a table: its heading, the cell of a row, and the field that it is sorted by if it can be. */
export type TableColumn = [heading: string, cell: (row: any) => unknown, field?: string];
/** What is done with several rows. `note`: what to know before; `of`: the request for one row. */
export type Bulk = { nameOf: (row: ListRow) => string; actions: { icon: string; text: string; verb: string; right: string; note: string; of: (row: ListRow) => Call }[] };
