# SPDX-License-Identifier: LGPL-2.1-or-later
"""The planner's objective once more, in Python: a snapshot taken apart as core/board.h says and priced as core/cost.h
says, in whole numbers that are rounded at the same places.

All numbers come from the instance (policy, table of waiting): what bench/families.c prints. Not modelled, and
refused: soft queues, vnics that spread, several pnics, features of queues, a price of CPUs.
"""

import claims

PER_MILLE = 1000
PPM = 1000000
MIB = 1 << 20
LOCAL = 10
UINT32_MAX = (1 << 32) - 1


class Unmodelled(Exception):
    pass


def mean(pairs):
    """Of (weight, value), with weights scaled so that their sum fits 32 bits."""
    total, shift = sum(weight for weight, _ in pairs), 0
    while total >> shift > UINT32_MAX:
        shift += 1
    weights = sum(weight >> shift for weight, _ in pairs)
    return sum((weight >> shift) * value for weight, value in pairs) // weights if weights else 0


class State:
    """What a plan decides: vnic -> (rx queue, tx queue), None for the default one; vm -> Home."""

    def __init__(self, places, homes):
        self.places = places
        self.homes = homes


class Home:
    def __init__(self, nodes, mem, placed, cpus_on):
        self.nodes = nodes
        self.mem = mem
        self.placed = placed
        self.cpus_on = cpus_on


def by_node(table, ids):
    return [table.get(str(node), 0) for node in ids]


def queue_name(queue):
    return '%s/%d' % (queue['pnic'], queue['index'])


def state_of(snapshot):
    """How the snapshot is now."""
    ids = [node['id'] for node in snapshot['nodes']]
    places = {vnic['mac']: tuple(None if vnic.get(way, 'default') == 'default' else vnic[way]
                                 for way in ('rx_queue', 'tx_queue')) for vnic in snapshot['vnics']}
    homes = {vm['name']: Home([ids.index(node) for node in vm['home']], by_node(vm.get('mem', {}), ids), vm['placed'],
                              by_node(vm.get('cpus_on', {}), ids)) for vm in snapshot['vms']}
    return State(places, homes)


class Objective:
    def __init__(self, instance, snapshot):
        self.policy, self.fixed = instance['policy'], instance['fixed']
        self.pack_factor, self.waiting_of = instance['pack_factor'], instance['waiting']
        self.ids = [node['id'] for node in snapshot['nodes']]
        self.nodes = range(len(self.ids))
        self.distance = snapshot['distance']
        self.cpus = {cpu['id']: cpu for cpu in snapshot['cpus']}
        self.queues = {queue_name(queue): queue for queue in snapshot['queues']}
        self.vms = {vm['name']: vm for vm in snapshot['vms']}
        self.vnics = {vnic['mac']: vnic for vnic in snapshot['vnics']}
        self.claim_ns = instance['claim_ns']
        self.check(snapshot)
        self.pnic_node = self.ids.index(snapshot['pnics'][0]['node'])
        self.defaults = [name for name, queue in self.queues.items() if queue['role'] == 'default']
        self.weight = self.weights_of_defaults()
        self.cpus_of = [sum(cpu['online'] for cpu in snapshot['cpus'] if cpu['node'] == node) for node in self.ids]
        self.cores_of = [len({cpu['core'] for cpu in snapshot['cpus'] if cpu['node'] == node and cpu['online']})
                         for node in self.ids]
        self.pool_of = {name: self.find_pool(vm.get('pool', '')) for name, vm in self.vms.items()}
        self.take_apart(snapshot)

    def check(self, snapshot):
        if len(snapshot['pnics']) != 1 or snapshot['pnics'][0]['steering'] == 'xdp':
            raise Unmodelled('one pnic with hard queues only')
        if any(vnic.get('spread') for vnic in snapshot['vnics']):
            raise Unmodelled('vnics that spread')
        if self.policy['cpu_used_ns']:
            raise Unmodelled('a price of CPUs')

    def find_pool(self, name):
        names = [pool['name'] for pool in self.policy['pools']]
        return names.index(name) if name in names else 0

    def weights_of_defaults(self):
        entries = {name: self.queues[name].get('rss_entries', 0) for name in self.defaults}
        return entries if sum(entries.values()) else {name: 1 for name in self.defaults}

    def take_apart(self, snapshot):
        """What stays when things move: backgrounds of queues and nodes, other work of CPUs."""
        state = state_of(snapshot)
        parts = self.loads(state, {name: [0, 0] for name in self.queues})
        self.background = {}
        for name, queue in self.queues.items():
            measured = [queue.get(way, {}).get('packets', 0) for way in ('rx', 'tx')]
            self.background[name] = [max(0, m - p) for m, p in zip(measured, parts[name])]
        load = self.cpu_loads(state)
        self.other = {number: max(0, cpu.get('busy', 0) - self.work(load[number])) for number, cpu in self.cpus.items()}
        vms = self.node_loads(state, [0] * len(self.ids))
        self.node_background = []
        for i, node in enumerate(snapshot['nodes']):
            measured = node.get('busy')
            if measured is None:
                measured = sum(self.other[number] for number, cpu in self.cpus.items()
                               if cpu['node'] == node['id'] and cpu['online'])
            self.node_background.append(max(0, measured - vms[i]))

    # Loads.

    def work(self, packets):
        return packets * PER_MILLE // self.policy['queue_capacity_pps']

    def loads(self, state, background):
        """packets/s of each queue, received and sent."""
        loads = {name: list(both) for name, both in background.items()}
        through = [0, 0]
        for mac, place in state.places.items():
            for way, queue in enumerate(place):
                packets = self.packets(mac)[way]
                if queue is None:
                    through[way] += packets
                else:
                    loads[queue][way] += packets
        for name in self.defaults:
            for way in range(2):
                loads[name][way] += through[way] * self.weight[name] // sum(self.weight.values())
        return loads

    def packets(self, mac):
        return [self.vnics[mac].get(way, {}).get('packets', 0) for way in ('rx', 'tx')]

    def room(self):
        """packets/s that the queues of a CPU take."""
        return max(1, self.policy['queue_capacity_pps'] * self.policy['queue_full'] // PER_MILLE)

    def cpu_loads(self, state):
        loads = dict.fromkeys(self.cpus, 0)
        for name, both in self.loads(state, self.background).items():
            if self.queues[name]['cpu'] is not None:
                loads[self.queues[name]['cpu']] += sum(both)
        return loads

    def node_loads(self, state, background):
        loads = list(background)
        for name, home in state.homes.items():
            for i, share in enumerate(self.shares(name, home)):
                loads[i] += share
        return loads

    def clients(self, name, home):
        """vCPUs on each node."""
        if any(home.cpus_on):
            return home.cpus_on
        if len(home.nodes) == 1:
            return [int(i in home.nodes) for i in self.nodes]
        if not home.placed:
            return [self.cpus_of[i] if i in home.nodes else 0 for i in self.nodes]
        return self.deal(self.vms[name]['cpus'], home.nodes)

    def deal(self, cpus, nodes):
        dealt, left = [0] * len(self.ids), cpus
        for i in self.nodes:
            dealt[i] = min(left, self.cores_of[i]) if i in nodes else 0
            left -= dealt[i]
        for turn, i in enumerate(sorted(nodes)):
            dealt[i] += left // len(nodes) + (turn < left % len(nodes))
        return dealt

    def shares(self, name, home):
        """per mille of one CPU on each node"""
        busy, clients = self.vms[name].get('busy', 0), self.clients(name, home)
        total = sum(clients)
        return [busy * n // total if total else 0 for n in clients]

    # Prices, ns/s; paths in 1/fixed ns per packet.

    def pool(self, mac):
        return self.pool_of[self.vnics[mac]['vm']]

    def remote(self, weight_ns, source, target):
        return weight_ns * self.fixed * (self.distance[source][target] - LOCAL) // LOCAL

    def node_of(self, queue):
        return self.ids.index(self.cpus[self.queues[queue]['cpu']]['node'])

    def deliver(self, home):
        """From a queue on each node to the vm: averaged by its memory, evenly when it has none there."""
        rows = []
        for queue in self.nodes:
            known = sum(home.mem[i] for i in home.nodes)
            rows.append(mean([(home.mem[i] if known else 1,
                               self.remote(self.policy['handoff_remote_ns'], queue, i)) for i in home.nodes]))
        return rows

    def path(self, deliver, node):
        return self.remote(self.policy['dma_remote_ns'], self.pnic_node, node) + deliver[node]

    def default_path(self, deliver):
        return mean([(self.weight[name], self.path(deliver, self.node_of(name))) for name in self.defaults])

    def served_path(self, mac, deliver):
        """Where default traffic was seen to be served, if that is known."""
        vnic = self.vnics[mac]
        served = by_node(vnic.get('served', {}), self.ids)
        if vnic.get('served_by', 'unknown') == 'unknown' or vnic.get('rx_queue', 'default') != 'default' or not any(served):
            return self.default_path(deliver)
        return mean([(packets, self.path(deliver, i)) for i, packets in enumerate(served) if packets])

    def unit(self, mac, place, home):
        """The vnic's way from and to the pnic, without packet_ns."""
        deliver, cost = self.deliver(home), 0
        for way, queue in enumerate(place):
            if queue is not None:
                path = self.path(deliver, self.node_of(queue))
            elif way == 0:
                path = self.served_path(mac, deliver)
            else:
                path = self.default_path(deliver)
            cost += self.packets(mac)[way] * path // self.fixed
        return cost

    def waiting(self, ppm):
        step, rest = divmod(ppm, self.waiting_of['step_ppm'])
        table = self.waiting_of['table']
        if step < len(table) - 1:
            return table[step] + (table[step + 1] - table[step]) * rest // self.waiting_of['step_ppm']
        return table[-1] + (ppm - PPM) * (self.waiting_of['beyond'] // self.waiting_of['step_ppm'])

    def cpu_waiting(self, cpu, load):
        ppm = self.other[cpu] * (PPM // PER_MILLE) + load * PPM // self.policy['queue_capacity_pps']
        return self.waiting(ppm) * self.policy['queue_wait']

    def node_waiting(self, node, busy):
        cpus = self.cpus_of[node]
        return self.waiting(busy * (PPM // PER_MILLE) // cpus) * cpus * self.policy['vcpu_wait'] if cpus else 0

    def queue_used(self, pool):
        factors = [1, 0, self.pack_factor]  # balance, distribute, pack
        return self.policy['queue_used_ns'] * factors[self.policy['pools'][pool]['criteria']]

    def memory(self, name, home):
        busy, total = self.vms[name].get('busy', 0), sum(home.mem)
        if busy == 0 or total == 0:
            return 0
        clients = self.clients(name, home)
        if not any(clients):
            return 0
        excess = [mean([(bytes_, (self.distance[i][j] - LOCAL) * 256) for j, bytes_ in enumerate(home.mem) if bytes_])
                  for i in self.nodes]
        average = sum(n * e for n, e in zip(clients, excess)) // sum(clients)
        return busy * self.policy['mem_remote'] * 1000 * average // 2560

    def passing(self):
        return sum(sum(self.packets(mac)) for mac in self.vnics) * self.policy['packet_ns']

    def base(self):
        """What no plan can change: packet_ns, and the waiting that traffic of nobody known and other work cause."""
        background = dict.fromkeys(self.cpus, 0)
        for name, both in self.background.items():
            background[self.queues[name]['cpu']] += sum(both)
        return (self.passing() +
                sum(self.cpu_waiting(cpu, load) for cpu, load in background.items()))

    def pools_in_use(self, state):
        """queue -> pool of its users"""
        return {queue: self.pool_of[self.vnics[mac]['vm']] for mac, place in state.places.items()
                for queue in place if queue is not None}

    def cost(self, state):
        loads = self.cpu_loads(state)
        busy = self.node_loads(state, self.node_background)
        return (self.passing() +
                sum(self.unit(mac, place, state.homes[self.vnics[mac]['vm']]) for mac, place in state.places.items()) +
                sum(self.cpu_waiting(cpu, load) for cpu, load in loads.items()) +
                sum(self.node_waiting(node, busy[node]) for node in self.nodes) +
                sum(self.queue_used(pool) for pool in self.pools_in_use(state).values()) +
                sum(self.memory(name, home) for name, home in state.homes.items()) +
                claims.count(self, state) * self.claim_ns)

    # Homes: what a change costs, spread over the horizon, and what it leads to.

    def moved(self, name, before, node):
        """The home on that node, its memory gathered there."""
        mem = list(before.mem)
        if not self.vms[name].get('mem_fixed', False):
            mem = [sum(mem) if i == node else 0 for i in self.nodes]
        return Home([node], mem, True, [0] * len(mem))

    def moving(self, name, before, after):
        """ns/s of copying pages, over home_horizon_ms."""
        outside = sum(bytes_ for i, bytes_ in enumerate(before.mem) if i not in after.nodes)
        if before.nodes == after.nodes and before.placed or self.vms[name].get('mem_fixed', False):
            return 0
        return -(-outside // MIB) * self.policy['home_once_ns_per_mib'] * 1000 // self.policy['home_horizon_ms']

    def moving_all(self, before, after):
        return sum(self.moving(name, before.homes[name], after.homes[name]) for name in after.homes)
