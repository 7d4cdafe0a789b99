"""A meter, a gateway and their misfortunes: the whole way from an indication over the air to the hub.

    scenario.py CACHE GATEWAY_PROGRAM HUB_PROGRAM

Says step by step what was seen. Ends with 1 at the first step that fails, and names the logs.
"""

import shutil
import sys
import time
import traceback
from pathlib import Path

import machine
from cuff import Cuff
from gateway import ADAPTER_UNIT, Gateway, stage
from hub import Hub
from pairing import pair
from radio import Radio
from waiting import wait_for

NAME = "cuff-1"
# What the cuff measures: systolic, diastolic, pulse. No two are alike, so that each is known at the hub.
READINGS = [(128, 82, 71), (131, 84, 68), (125, 79, 74), (134, 86, 66), (122, 78, 70)]
STEPS = []


def step(function):
    """The next step; its first line of documentation is its title."""
    STEPS.append(function)
    return function


class Home:
    """What the steps share."""

    def __init__(self, cache, gateway_program, hub_program):
        self.run = cache / "run"
        shutil.rmtree(self.run, ignore_errors=True)
        self.run.mkdir(parents=True)
        self.began = time.monotonic()
        self.measured = []
        self.pairings = 0
        self.machine = None
        self.hub = Hub(hub_program, self.run)
        payload = self.run / "payload"
        payload.mkdir()
        stage(payload, gateway_program, self.hub)
        self.machine = machine.load(cache, self.run, payload)
        self.gateway = Gateway(self.machine)
        self.radio = Radio(self.run)
        self.radio.plug_in(self.machine.radio)
        self.cuff = Cuff(self.radio, "F0:F1:F2:F3:F4:01", "BPM-Example")

    def saw(self, what):
        print(f"      {time.monotonic() - self.began:5.0f} s  {what}", flush=True)

    def measure_and_receive(self):
        """Takes the next reading, and waits until it is at the hub and the cuff's memory is empty."""
        self.measure()
        self.receive()

    def measure(self):
        """Takes the next reading."""
        reading = READINGS[len(self.measured)]
        self.measured.append(reading)
        self.cuff.measure(*reading)

    def receive(self):
        """Waits until the last reading is at the hub and the cuff's memory is empty."""
        reading = self.measured[-1]
        began = time.monotonic()
        wait_for("the cuff's confirmation", lambda: not self.cuff.memory)
        confirmed = self.cuff.when("confirmed") - began
        wait_for(f"{reading[0]}/{reading[1]} at the hub", lambda: reading[0] in self.systolic_at_hub())
        arrived = time.monotonic() - began
        self.saw(
            f"{reading[0]}/{reading[1]} mmHg: confirmed to the cuff after {confirmed:.1f} s,"
            f" at the hub after {arrived:.1f} s"
        )
        # The next misfortune strikes between two readings: what BlueZ has confirmed to a cuff and not yet told the
        # gateway is lost with either, and no gateway can help it.
        wait_for("the cuff to hang up", lambda: not self.cuff.connection)

    def pair(self):
        """As a technician: holds the cuff's button, pairs, lets the cuff go to sleep."""
        self.cuff.offer_pairing()
        for line in pair(self.gateway, self.cuff, NAME).splitlines():
            self.saw(line)
        self.cuff.offer_pairing(False)
        self.pairings += 1
        bond = self.cuff.last("paired")
        if bond != "authenticated":
            raise machine.CommandFailed(f"the cuff's bond is {bond}, though it demands a passkey")

    def systolic_at_hub(self):
        pressures = [o for o in self.hub.observations() if o["metric"].endswith("_SYS")]
        return [int(float(o["value"])) for o in pressures]

    def stop(self):
        if self.machine:
            self.keep_logs()
            self.machine.stop()
        self.hub.stop()

    def keep_logs(self):
        lines = [f"{at - self.began:8.2f} {what} {more or ''}\n" for at, what, more in self.cuff.history]
        (self.run / "cuff.log").write_text("".join(lines))
        for unit in ("varde.service", "bluetooth.service", ADAPTER_UNIT):
            try:
                (self.run / f"{unit}.journal").write_text(self.gateway.journal(unit))
                (self.run / "dmesg").write_text(self.machine.shell("dmesg"))
            except (machine.CommandFailed, OSError) as error:
                print(f"the journal of {unit} is not to be had: {error}", file=sys.stderr)


@step
def start_the_box(home):
    """the gateway runs under systemd as its own user, in its sandbox"""
    now = int(time.time())
    home.machine.shell(f"date --set=@{now} >/dev/null")
    home.machine.shell(
        "card=$(ls /sys/class/net | grep -v lo);"
        f" ip address replace {machine.GUEST_ADDRESS} dev $card && ip link set $card up"
    )
    # There is no time service here; the clock was just set from the host.
    home.machine.shell("mkdir -p /run/systemd/timesync && touch /run/systemd/timesync/synchronized")
    home.saw(home.machine.shell("echo $(uname -srm; bluetoothctl --version; systemctl --version | head -1)").strip())
    home.gateway.attach_adapter()
    wait_for("bluetoothd to start", lambda: home.gateway.property("ActiveState", "bluetooth.service") == "active")
    home.gateway.install()
    home.gateway.start()
    process = home.gateway.property("MainPID")
    owner = home.machine.shell(f"stat --format %U /proc/{process}").strip()
    confined = home.machine.shell(f"grep -E '^(NoNewPrivs|Seccomp|CapEff)' /proc/{process}/status").split()
    expected = ["CapEff:", "0000000000000000", "NoNewPrivs:", "1", "Seccomp:", "2"]
    if owner != "varde" or confined[:6] != expected:
        raise machine.CommandFailed(f"not confined as the unit says: {owner}, {confined}")
    home.saw(f"user {owner}, {' '.join(confined[:6])}")
    wait_for("the broker", lambda: (home.gateway.status() or {}).get("uplink", {}).get("state") == "connected")
    home.saw("connected to the hub's broker over TLS")


@step
def find_the_cuff(home):
    """the cuff is heard"""
    home.cuff.offer_pairing()
    said = home.machine.shell("varde devices scan --seconds 15")
    heard = [line for line in said.splitlines() if line.startswith(home.cuff.address)]
    if not heard:
        raise machine.CommandFailed(f"no {home.cuff.address} in: {said}")
    home.saw(heard[-1])


@step
def pair_the_cuff(home):
    """it is paired with the passkey that it shows"""
    home.pair()


@step
def first_reading(home):
    """a reading goes from the cuff to the hub"""
    home.measure_and_receive()


@step
def kill_the_gateway(home):
    """the gateway is killed; systemd restarts it, the bond holds, the next reading arrives"""
    before = home.gateway.property("MainPID")
    home.gateway.kill("varde.service")
    wait_for("another process", lambda: home.gateway.property("MainPID") not in ("0", before))
    home.measure_and_receive()


@step
def kill_bluetoothd(home):
    """bluetoothd is killed; all heals, the bond holds, the next reading arrives"""
    before = home.gateway.property("MainPID", "bluetooth.service")
    home.gateway.kill("bluetooth.service")
    wait_for(
        "another bluetoothd",
        lambda: home.gateway.property("MainPID", "bluetooth.service") not in ("0", before),
    )
    home.measure_and_receive()


@step
def lose_the_adapter(home):
    """the adapter is lost and comes back; the next reading arrives"""
    home.radio.fall_silent()
    home.gateway.detach_adapter()
    fault = wait_for("a fault about Bluetooth", lambda: (home.gateway.status() or {}).get("faults"))
    home.saw(f"the gateway says: {fault[0]['what']}: {fault[0]['message']}")
    home.gateway.attach_adapter()
    home.measure_and_receive()


@step
def forget_the_bond(home):
    """the cuff forgets its bond, as some do with new batteries; that is told; paired again, its reading arrives"""
    home.cuff.change_batteries()
    home.measure()

    def faults():
        return [fault for fault in (home.gateway.status() or {}).get("faults", []) if NAME in fault["what"]]

    fault = wait_for("a fault of the cuff", faults)
    home.saw(f"the gateway says: {fault[0]['what']}: {fault[0]['message']}")
    home.pair()
    home.receive()


@step
def count(home):
    """nothing lost, nothing twice, no pairing but the technician's"""
    got, made = home.systolic_at_hub(), [systolic for systolic, _, _ in home.measured]
    if got != made:
        raise machine.CommandFailed(f"measured {made}, at the hub {got}")
    # That a chain began is told too; the gateway's first is the only one to expect.
    incidents = [each for each in home.hub.incidents() if (each["incident"], each["id"]) != ("chain-began", 1)]
    if incidents:
        raise machine.CommandFailed(f"the hub tells of {incidents}")
    if home.cuff.count("paired") != home.pairings:
        raise machine.CommandFailed(f"paired {home.cuff.count('paired')} times instead of {home.pairings}")
    home.saw(f"{len(made)} made, {len(got)} received, in order; no incident at the hub; paired {home.pairings} times")


def main(cache, gateway_program, hub_program):
    home = Home(*(Path(path).resolve() for path in (cache, gateway_program, hub_program)))
    try:
        for number, run in enumerate(STEPS, start=1):
            title = run.__doc__
            print(f"  {number}/{len(STEPS)}  {title}", flush=True)
            try:
                run(home)
            except Exception as error:
                traceback.print_exc(file=open(home.run / "failure", "w"))
                print(f"FAILED at step {number}, {title}: {error}\nlogs: {home.run}", file=sys.stderr)
                return 1
    finally:
        home.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
