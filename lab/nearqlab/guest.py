# SPDX-License-Identifier: LGPL-2.1-or-later
"""The running guest: start, watch, restart when it hangs, stop.

The state is run/state.json. QEMU is known by its pid together with its start time, so that a pid used again by
another process is never signalled.
"""
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time

from . import fetch, image, machine, shape as shapes
from .paths import LAB_SOURCE, LabError, lab_path, read_text, write_atomically

BOOT_SECONDS = 60       # a boot takes 5 to 15 s; beyond this it hangs
STALL_SECONDS = 20      # without a heartbeat, which comes every second
ATTEMPTS = 3
TICK = 0.02
STALL_MARKS = ("rcu_preempt self-detected stall", "rcu_sched self-detected stall", "detected stalls on CPUs",
               "rcu_preempt kthread starved", "rcu_preempt kthread timer wakeup didn't happen",
               "soft lockup", "Kernel panic")


def run_path(*parts):
    """A path of the running guest."""
    return lab_path("run", *parts)


@contextlib.contextmanager
def locked():
    """One starter or stopper at a time per lab directory."""
    os.makedirs(lab_path(), exist_ok=True)
    with open(lab_path("guest.lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def start_time(pid):
    """Start time of a process in ticks after boot, None when it is gone or a zombie."""
    text = read_text(f"/proc/{pid}/stat")
    if text is None:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def state():
    """The recorded state, or None when no guest was started."""
    text = read_text(run_path("state.json"))
    return json.loads(text) if text else None


def save_state(value):
    """Record the state."""
    write_atomically(run_path("state.json"), json.dumps(value, indent=1) + "\n")


def alive(value):
    """Is the QEMU of this state still running?"""
    return bool(value) and start_time(value["pid"]) == value["start_time"]


def heartbeat_age():
    """Seconds since the guest's last sign of life."""
    for name in ("share/heartbeat", "share/ready", "state.json"):
        with contextlib.suppress(FileNotFoundError):
            return max(0.0, time.time() - os.stat(run_path(name)).st_mtime)
    return float("inf")


def console_mark():
    """A sign of a hang that the guest's kernel has put on the console, or None."""
    with contextlib.suppress(FileNotFoundError), open(run_path("console.log"), "rb") as stream:
        console = stream.read().decode(errors="replace")
        return next((mark for mark in STALL_MARKS if mark in console), None)
    return None


def stall_limit():
    """Seconds without a heartbeat after which the guest counts as hung."""
    text = os.environ.get("NEARQ_LAB_STALL_SECONDS", "")
    if text and not text.isdigit():
        raise LabError(f"NEARQ_LAB_STALL_SECONDS={text}: must be a number of seconds", 2)
    return int(text or STALL_SECONDS)


def stall_reason():
    """Why the guest counts as hung, or None."""
    age = heartbeat_age()
    if age <= stall_limit():
        return None
    return f"no heartbeat for {age:.0f} s ({console_mark() or 'the console reports nothing'})"


def boot_stall(deadline):
    """Why a boot counts as failed, or None: late, or the console reports a hang."""
    mark = console_mark()
    if mark:
        return f"the guest's kernel says: {mark}"
    return f"not up after {BOOT_SECONDS} s" if time.monotonic() > deadline else None


def prepare(shape):
    """An empty run directory with all that a boot reads."""
    shutil.rmtree(run_path(), ignore_errors=True)
    for folder in ("cmd", "queue"):
        os.makedirs(run_path("share", folder))
    os.mkfifo(run_path("bell.in"))
    os.mkfifo(run_path("bell.out"))
    shutil.copy(os.path.join(LAB_SOURCE, "guest", "agent"), run_path("share", "agent"))
    write_atomically(run_path("share", "config"), machine.guest_config(shape))
    release = image.kernel_release()
    image.build_initramfs(lab_path("boot", "lib", "modules", release), run_path("initramfs"))


def spawn(shape, accel):
    """Start QEMU in a session of its own; returns its process."""
    _, environment = fetch.qemu_command()
    with open(run_path("qemu.log"), "wb") as log:
        return subprocess.Popen(machine.command(shape, accel), cwd=run_path(), env=environment, stdout=log,
                                stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)


def wait_ready(process, deadline):
    """Wait until the agent answers; returns None, or why it never will."""
    while not os.path.exists(run_path("share", "ready")):
        if process.poll() is not None:
            said = (read_text(run_path("qemu.log"), "") + read_text(run_path("console.log"), "")).strip()
            return f"QEMU ended with {process.returncode}: " + " / ".join(said.splitlines()[-3:])
        reason = boot_stall(deadline)
        if reason:
            return reason
        time.sleep(TICK)
    return None


def cpus_missing(shape):
    """Complaint about CPUs that did not come up, or None."""
    online = read_text(run_path("share", "ready")).strip()
    wanted = f"0-{shape.cpus - 1}" if shape.cpus > 1 else "0"
    return None if online == wanted else f"CPUs online are {online}, not {wanted}"


def describe_nics(shape):
    """For the state: each NIC, and the sockets by which nearq-traffic reaches it."""
    return [{"name": n.name, "mac": n.mac, "model": n.model, "node": n.node,
             "to_socket": run_path(f"nic{i}.qemu"), "bind": run_path(f"nic{i}.peer")}
            for i, n in enumerate(shape.nics)]


def boot_once(shape, choice, accel, restarts):
    """One boot; returns None when the guest is up, or why not (QEMU is then gone)."""
    prepare(shape)
    begin = time.monotonic()
    process = spawn(shape, accel)
    value = {"pid": process.pid, "start_time": start_time(process.pid), "shape": shape.name, "choice": choice,
             "accel": accel, "restarts": restarts, "boot_seconds": None, "nics": describe_nics(shape)}
    save_state(value)
    try:
        reason = wait_ready(process, begin + BOOT_SECONDS) or cpus_missing(shape)
    except BaseException:
        kill(value)
        raise
    if reason:
        kill(value)
        process.wait()
        with contextlib.suppress(FileNotFoundError):
            shutil.copy(run_path("console.log"), lab_path("last-failed-console.log"))
        return reason
    save_state({**value, "boot_seconds": round(time.monotonic() - begin, 2)})
    return None


def boot(shape, choice, progress, restarts=0):
    """Boot with bounded attempts: KVM first where it can be opened, software emulation then."""
    ways = machine.accelerators(ATTEMPTS)
    for attempt, accel in enumerate(ways):
        progress.say(f"boot shape {shape.name}: {len(shape.nodes)} nodes, {shape.cpus} CPUs, {accel}")
        reason = boot_once(shape, choice, accel, restarts)
        if not reason:
            progress.say(f"guest is up after {state()['boot_seconds']} s of boot")
            return
        progress.say(f"attempt {attempt + 1} of {len(ways)} failed: {reason}")
        restarts += 1
    raise LabError(f"the guest did not boot in {len(ways)} attempts: {reason}; see {lab_path('last-failed-console.log')}")


def up(choice, progress):
    """Make a guest of this shape run; one that already does and is healthy stays."""
    shape = shapes.load(choice)
    fetch.fetch(progress)
    with locked():
        value = state()
        restarts = 0
        if alive(value):
            reason = stall_reason()
            if not reason and value["shape"] == shape.name and value["boot_seconds"]:
                progress.say(f"a guest of shape {shape.name} is up already")
                return
            if not reason and value["boot_seconds"]:
                raise LabError(f"a guest of shape {value['shape']} is up; stop it first: nearq-lab down")
            restarts = value["restarts"] + 1
            progress.say(f"the guest hangs ({reason or 'half booted'}): restart")
            kill(value)
        boot(shape, choice, progress, restarts)


def restart(progress):
    """Start the guest afresh with the shape it has, and count it."""
    with locked():
        value = need()
        kill(value)
        boot(shapes.load(value["choice"]), value["choice"], progress, value["restarts"] + 1)


def kill(value):
    """Kill the QEMU of this state, by pid and only while it is that very process, and wait for its end."""
    if not alive(value):
        return
    handle = os.pidfd_open(value["pid"])
    try:
        if alive(value):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        while alive(value):
            time.sleep(TICK)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)


def down():
    """Stop the guest; returns whether there was one."""
    with locked():
        value = state()
        running = alive(value)
        kill(value)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(run_path("state.json"))
        return running


def need():
    """The state of the running guest, or an error that says how to get one."""
    value = state()
    if not value:
        raise LabError("no guest is up: nearq-lab up", 125)
    return value


def status():
    """What `status` prints: the state with what can be seen now."""
    value = state()
    if not value:
        return {"state": "down"}
    reason = stall_reason()
    word = "stalled" if reason else "up" if value["boot_seconds"] else "booting"
    word = word if alive(value) else "gone"
    return {"state": word, **value, "heartbeat_age": round(heartbeat_age(), 1), "reason": reason,
            "run_dir": run_path(), "console": run_path("console.log")}
