# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each pool is due and what of it is missing: core/quota.h once more, for bench/objective.py."""


def wants_alone(objective, mac, state):
    limit, traffic = objective.policy['pools'][objective.pool(mac)]['exclusive_pps'], sum(objective.packets(mac))
    queue = state.places[mac][0]
    users = sum(queue in place for place in state.places.values())
    return bool(limit) and (traffic > limit or queue is not None and users == 1 and traffic > limit // 2)


def needed(objective, pool, macs, state):
    """Queues for all its vnics that ask for one."""
    alone = [mac for mac in macs if wants_alone(objective, mac, state)]
    demand = sum(max(sum(objective.packets(mac)), pool['floor_pps']) for mac in macs if mac not in alone)
    shared = max(-(-demand // objective.room()), len(macs) > len(alone))
    return min(shared + len(alone), len(macs), pool['max'])


def grants(objective, state):
    """pool -> (queues that it is granted, vnics that ask), in order of priority."""
    pools, left = objective.policy['pools'], len(objective.queues) - len(objective.defaults)
    order = sorted(range(len(pools)), key=lambda i: -pools[i]['priority'])
    present = {i: [mac for mac in state.places if objective.pool(mac) == i] for i in order}
    asking = {i: [mac for mac in present[i] if state.places[mac][0] is not None or
                  sum(objective.packets(mac)) >= max(1, pools[i]['enter_pps'])] for i in order}
    granted = dict.fromkeys(order, 0)
    for wanted in (lambda i: min(pools[i]['min'], len(present[i])),
                   lambda i: needed(objective, pools[i], asking[i], state)):
        for i in order:
            more = min(max(0, wanted(i) - granted[i]), left) if present[i] else 0
            granted[i] += more
            left -= more
    return {i: (granted[i], len(asking[i])) for i in order}


def missing(objective, used, due):
    """Queues that pools lack of their grants while lower ones have more than theirs."""
    pools = objective.policy['pools']
    count = {i: list(used.values()).count(i) for i in due}
    free, claims = len(objective.queues) - len(objective.defaults) - len(used), 0
    for i, (grant, asking) in due.items():
        lack = max(0, min(grant, asking) - count[i])
        held = sum(count[j] for j in due if count[j] > due[j][0] and pools[j]['priority'] < pools[i]['priority'])
        got = min(lack, free)
        free -= got
        claims += min(lack - got, held)
    return claims


def count(objective, state):
    """All claims that are open."""
    used = objective.pools_in_use(state)
    claims = missing(objective, used, grants(objective, state))
    for mac, (queue, _) in state.places.items():
        if queue is None:
            continue
        crowded = sum(queue in place for place in state.places.values()) > 1 and wants_alone(objective, mac, state)
        claims += crowded or used[queue] != objective.pool(mac)
    return claims
