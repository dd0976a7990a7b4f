# SPDX-License-Identifier: LGPL-2.1-or-later
"""The exact optimum of bench/objective.py for one instance: a mixed integer program for HiGHS.

    x[v, q]    vnic v on queue q, binary; d[v] on the default queue
    y[q, c]    queue q used by class c, binary: a pool, or one vnic that wants a queue of its own; one class at most
    t[k]       waiting on CPU k, at least each straight piece of the table (it is convex, so that is exact)
    h[m, n]    vm m at home on node n, binary, for vms whose home is free
    w[v, n, k] its packets delivered to n from queues on node k (k None: by default): x and h in one
    T[n]       waiting of vCPUs on node n

Admitted is what the planner admits: queues of the vnic's pool or free, for each pool what it is granted (core/quota.h)
and of the rest no more than is left; no CPU filled over queue_full, no node over node_full. A vnic below enter_pps
stays on the default queue; any other may, when that is cheaper.
"""
import numpy
from scipy import optimize, sparse

import claims
from objective import PER_MILLE, PPM, State

INFEASIBLE = 2  # of scipy.optimize.OptimizeResult.status
UNIT = 1e6  # ns/s in the program's objective


class Program:
    def __init__(self):
        self.cost, self.low, self.high, self.integer = [], [], [], []
        self.entries, self.row_low, self.row_high = [], [], []

    def variable(self, cost, high, integer):
        self.cost.append(cost / UNIT)
        self.low.append(0.0)
        self.high.append(high)
        self.integer.append(int(integer))
        return len(self.cost) - 1

    def binary(self, cost=0.0, allowed=True):
        return self.variable(cost, 1.0 if allowed else 0.0, True)

    def row(self, terms, low, high):
        at = len(self.row_low)
        self.entries += [(at, variable, factor) for variable, factor in terms]
        self.row_low.append(low)
        self.row_high.append(high)

    def solve(self, gap, seconds, most):
        if most is not None:
            self.row([(variable, cost) for variable, cost in enumerate(self.cost) if cost], -numpy.inf, most / UNIT)
        rows, columns, factors = zip(*self.entries)
        matrix = sparse.csr_matrix((factors, (rows, columns)), (len(self.row_low), len(self.cost)))
        return optimize.milp(numpy.array(self.cost), integrality=numpy.array(self.integer),
                             bounds=optimize.Bounds(self.low, self.high),
                             constraints=optimize.LinearConstraint(matrix, self.row_low, self.row_high),
                             options={'mip_rel_gap': gap, 'time_limit': seconds})


class Optimum:
    def __init__(self, objective, state):
        self.objective, self.state, self.policy = objective, state, objective.policy
        self.program = Program()
        self.queues = [name for name, queue in objective.queues.items()
                       if queue['role'] != 'default' and objective.cpus[queue['cpu']]['online']]
        self.free = [name for name, vm in objective.vms.items() if not vm.get('pinned', False)]
        self.constant = objective.passing() - objective.base()  # what of the waiting below is no plan's
        self.add_homes()
        self.add_units()
        self.add_classes()
        self.add_cpus()
        self.add_nodes()

    def home(self, vm, node):
        return self.objective.moved(vm, self.state.homes[vm], node)

    def add_homes(self):
        self.h = {}
        for vm in self.free:
            for node in self.objective.nodes:
                after = self.home(vm, node)
                cost = (self.objective.memory(vm, after) +
                        self.objective.moving(vm, self.state.homes[vm], after))
                self.h[vm, node] = self.program.binary(cost)
            self.program.row([(self.h[vm, node], 1) for node in self.objective.nodes], 1, 1)
        self.constant += sum(self.objective.memory(vm, home) for vm, home in self.state.homes.items()
                             if vm not in self.free)

    def pool(self, mac):
        return self.policy['pools'][self.objective.pool_of[self.objective.vnics[mac]['vm']]]

    def may_leave(self, mac):
        """The default queue, for queues of its pool. The snapshot's queues have no features."""
        pool = self.pool(mac)
        return sum(self.objective.packets(mac)) >= pool['enter_pps'] and pool['features'] == 0

    def add_units(self):
        self.x, self.d = {}, {}
        for mac, vnic in self.objective.vnics.items():
            fixed = vnic['vm'] not in self.free
            home = self.state.homes[vnic['vm']]
            for queue in self.queues:
                cost = self.objective.unit(mac, (queue, queue), home) if fixed else 0
                self.x[mac, queue] = self.program.binary(cost, self.may_leave(mac))
            cost = self.objective.unit(mac, (None, None), home) if fixed else 0
            self.d[mac] = self.program.binary(cost)
            self.program.row([(self.x[mac, queue], 1) for queue in self.queues] + [(self.d[mac], 1)], 1, 1)
            if not fixed:
                self.join(mac, vnic['vm'])

    def join(self, mac, vm):
        """Queue's node and home together decide the path; None: the default queue."""
        nodes = self.objective.nodes
        on = {node: [self.x[mac, q] for q in self.queues if self.objective.node_of(q) == node] for node in nodes}
        on[None] = [self.d[mac]]
        some = {node: next((q for q in self.queues if self.objective.node_of(q) == node), None) for node in on}
        w = {}
        for node, variables in on.items():
            if not variables:
                continue
            for home in nodes:
                cost = self.objective.unit(mac, (some[node], some[node]), self.home(vm, home))
                w[home, node] = self.program.variable(cost, 1.0, False)
            self.program.row([(w[home, node], 1) for home in nodes] + [(x, -1) for x in variables], 0, 0)
        for home in nodes:
            self.program.row([(w[pair], 1) for pair in w if pair[0] == home] + [(self.h[vm, home], -1)], 0, 0)

    def class_of(self, mac):
        pool = self.pool(mac)
        exclusive = pool['exclusive_pps'] and sum(self.objective.packets(mac)) > pool['exclusive_pps']
        return (pool['name'], mac if exclusive else None)

    def add_classes(self):
        classes = {}
        for mac in self.objective.vnics:
            classes.setdefault(self.class_of(mac), []).append(mac)
        names = [pool['name'] for pool in self.policy['pools']]
        room = self.objective.room()
        y = self.y = {}
        for key, macs in classes.items():
            pool = self.policy['pools'][names.index(key[0])]
            for queue in self.queues:
                y[queue, key] = self.program.binary(self.objective.queue_used(names.index(key[0])))
                self.program.row([(self.x[mac, queue], max(sum(self.objective.packets(mac)), pool['floor_pps']) / room)
                                  for mac in macs] + [(y[queue, key], -1)], -numpy.inf, 0)
                for mac in macs:
                    self.program.row([(self.x[mac, queue], 1), (y[queue, key], -1)], -numpy.inf, 0)
        for queue in self.queues:
            self.program.row([(y[queue, key], 1) for key in classes], 0, 1)
        self.order_alike(list(classes))
        self.add_grants(y)

    def add_grants(self, y):
        """Each pool gets what it is granted; queues beyond the grants of all are for whoever wants them."""
        excess, granted = [], 0
        for i, (grant, asking) in claims.grants(self.objective, self.state).items():
            pool = self.policy['pools'][i]
            own = [(y[pair], 1) for pair in y if pair[1][0] == pool['name']]
            granted += grant
            if own:
                excess.append(self.program.variable(0, numpy.inf, False))
                self.program.row(own, min(grant, asking), pool['max'])
                self.program.row(own + [(excess[-1], -1)], -numpy.inf, grant)
        self.program.row([(variable, 1) for variable in excess], 0, len(self.queues) - granted)

    def order_alike(self, classes):
        """Queues of one node may change places; only one of those plans is looked at. How many each class has on each node
        is a variable of its own, since a solver that settles that first is far quicker."""
        for node in self.objective.nodes:
            queues = [queue for queue in self.queues if self.objective.node_of(queue) == node]
            for key in classes:
                count = self.program.variable(0, len(queues), True)
                self.program.row([(self.y[queue, key], 1) for queue in queues] + [(count, -1)], 0, 0)
            for first, second in zip(queues, queues[1:]):
                rank = {key: len(classes) - i for i, key in enumerate(classes)}
                self.program.row([(self.y[first, key], rank[key]) for key in classes] +
                                 [(self.y[second, key], -rank[key]) for key in classes], 0, numpy.inf)

    def pieces(self):
        """(slope, start) of each straight piece of the table, in packets by utilization."""
        waiting = self.objective.waiting_of
        step, table = waiting['step_ppm'], waiting['table'] + [waiting['table'][-1] + waiting['beyond']]
        for i in range(len(table) - 1):
            slope = (table[i + 1] - table[i]) / step
            yield slope, (table[i] - slope * i * step) / PPM

    def wait(self, cost_of_packet, loads, already, used=None):
        """The waiting at the sum of the loads, (variable, utilization), and what is there already.

        t >= slope * sum + start for each piece is exact and a poor bound: a solver that halves a vnic sees none of what
        it makes wait by itself. Since the curve W is convex and W(0) = 0, a vnic of size a in or above the piece
        counts W(a) - start instead of slope * a: the largest on the queue brings W(a), each further one at least the
        slope of the piece it is in itself, which is (W(a) - start of that piece) / a. And what starts at 0 is 0 as
        long as the queue is not used.
        """
        t = self.program.variable(cost_of_packet, numpy.inf, False)
        for slope, start in self.pieces():
            terms = [(t, 1)]
            for variable, size in loads:
                alone = max(s * size + b for s, b in self.pieces())
                inside = already == 0 and max(s for s, b in self.pieces() if s * size + b >= alone - 1e-12) >= slope
                terms.append((variable, start - alone if inside else -slope * size))
            if used and already == 0:
                self.program.row(terms + [(variable, -start) for variable in used], 0, numpy.inf)
            else:
                self.program.row(terms, start + slope * already, numpy.inf)

    def add_cpus(self):
        capacity, objective = self.policy['queue_capacity_pps'], self.objective
        queues_of = {}
        for name, queue in objective.queues.items():
            queues_of.setdefault(queue['cpu'], []).append(name)
        for cpu in objective.cpus:
            loads, load, queues = [], 0, queues_of.get(cpu, [])
            for queue in queues:
                load += sum(objective.background[queue])
                for mac in objective.vnics:
                    packets = sum(objective.packets(mac)) / capacity
                    if queue in objective.defaults:
                        share = objective.weight[queue] / sum(objective.weight.values())
                        loads.append((self.d[mac], packets * share))
                    elif (mac, queue) in self.x:
                        loads.append((self.x[mac, queue], packets))
            if not loads:
                self.constant += objective.cpu_waiting(cpu, load)
                continue
            used = [self.y[pair] for pair in self.y if pair[0] == queues[0]] if len(queues) == 1 else None
            self.wait(self.policy['queue_wait'] * PPM, loads, objective.other[cpu] / PER_MILLE + load / capacity, used)

    def add_nodes(self):
        objective = self.objective
        fixed = objective.node_loads(State({}, {name: home for name, home in self.state.homes.items()
                                                if name not in self.free}), objective.node_background)
        for node in objective.nodes:
            cpus = objective.cpus_of[node]
            terms = [(self.h[vm, node], objective.vms[vm].get('busy', 0) / PER_MILLE / cpus) for vm in self.free]
            if not terms:
                self.constant += objective.node_waiting(node, fixed[node])
                continue
            already = fixed[node] / PER_MILLE / cpus
            self.wait(self.policy['vcpu_wait'] * PPM * cpus, terms, already)
            self.program.row(terms, -numpy.inf, self.policy['node_full'] / PER_MILLE - already)

    def read(self, x):
        places, homes = {}, dict(self.state.homes)
        for mac in self.objective.vnics:
            queue = next((q for q in self.queues if x[self.x[mac, q]] > 0.5), None)
            places[mac] = (queue, queue)
        for vm in self.free:
            homes[vm] = self.home(vm, next(n for n in self.objective.nodes if x[self.h[vm, n]] > 0.5))
        return State(places, homes)

    def solve(self, gap, seconds, most=None):
        """(state or None, bound from below of the objective without its base, objective of the program or None)

        With `most` given, only plans that cost no more: that is quicker, and when there is none, `most` is the bound.
        """
        result = self.program.solve(gap, seconds, None if most is None else most - self.constant)
        bound = -numpy.inf if result.mip_dual_bound is None else result.mip_dual_bound * UNIT + self.constant
        if result.status == INFEASIBLE and most is not None:
            bound = most
        if result.x is None:
            return None, bound, None
        return self.read(result.x), bound, result.fun * UNIT + self.constant


def fewest_moves(objective, before, after):
    """vnics whose queue differs, and homes that do, when queues of one node that are alike may change names."""
    moves = sum(home.nodes != before.homes[vm].nodes for vm, home in after.homes.items())
    pairs = [(before.places[mac][0], place[0]) for mac, place in after.places.items()]
    moves += sum(pair != (None, None) for pair in pairs)
    for node in objective.nodes:
        queues = [queue for queue in objective.queues if objective.node_of(queue) == node]
        kept = numpy.array([[pairs.count((was, queue)) for queue in queues] for was in queues])
        moves -= int(kept[optimize.linear_sum_assignment(-kept)].sum())
    return moves
