"""A virtual machine in QEMU, and a root shell on its serial console."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

# Emulated without help of the processor, a step takes 30 to 60 times as long, and the host may have others to serve.
PATIENCE_S = 120
BOOT_LIMIT_S = 900
SNAPSHOT = "ready"
# A disk of the same size must stand in the same place whenever the snapshot is loaded.
PAYLOAD_BYTES = 64 * 1024 * 1024
# As QEMU's user network has them.
GUEST_ADDRESS = "10.0.2.15/24"
HOST_ADDRESS = "10.0.2.2"

INSIDE = Path(__file__).parent / "build" / "inside"


class CommandFailed(Exception):
    """A command in the guest or on the host ended otherwise than well."""


def among_tools(cache, *command):
    """Runs a command of the tools' Debian to its end."""
    done = subprocess.run([INSIDE, cache, *command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CommandFailed(f"{' '.join(map(str, command))}: {done.stderr.strip()}")


def make_snapshot(cache):
    """Boots the guest once and keeps its state in ready.qcow2."""
    guest = cache / "guest"
    disk = guest / "booting.qcow2"
    among_tools(
        cache, "qemu-img", "create", "-q", "-f", "qcow2", "-b", guest / "root.img", "-F", "raw", disk
    )
    run = cache / "boot"
    run.mkdir(exist_ok=True)
    make_payload(cache, run, guest / "empty")
    machine = Machine(cache, run, disk)
    try:
        machine.boot()
    finally:
        machine.stop()
    disk.rename(guest / "ready.qcow2")


def make_payload(cache, run, tree):
    """The second disk of a machine that will run in `run`: what stands below `tree`."""
    tree.mkdir(exist_ok=True)
    image = run / "payload.img"
    with open(image, "wb") as file:
        file.truncate(PAYLOAD_BYTES)
    among_tools(cache, "mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, "-E", "root_owner=0:0", image)


class Machine:
    """One run of QEMU. Its sockets, disk and console log are in `run`, beside payload.img."""

    def __init__(self, cache, run, disk, snapshot=None):
        self.run_directory = run
        self.log = open(run / "console.log", "wb")
        self.seen = b""
        self.commands = 0
        for name in ("console", "qmp", "radio"):
            (run / name).unlink(missing_ok=True)
        command = [INSIDE, cache, *qemu(cache / "guest", disk, snapshot)]
        self.output = open(run / "qemu.log", "wb")
        self.qemu = subprocess.Popen(
            command, cwd=run, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT
        )
        self.console = self._connect("console")
        self.console.settimeout(0.2)
        self.qmp = self._connect("qmp").makefile("rw")
        self.qmp.readline()
        self._monitor("qmp_capabilities")

    @property
    def radio(self):
        """The socket of the UART on which the guest's Bluetooth controller is to be."""
        return self.run_directory / "radio"

    def boot(self):
        """Waits for a cold start, prepares what each run needs, and takes the snapshot."""
        self._await(rb"root@[^\r\n]*# ", BOOT_LIMIT_S)
        self.console.sendall(b"stty -echo; set +H; PS1=; PS2=; bind 'set enable-bracketed-paste off'\n")
        # The echo of that line must not be taken for the answer to the next.
        time.sleep(2)
        self.shell("dmesg --console-off; systemctl is-system-running --wait", BOOT_LIMIT_S)
        self.shell("systemctl stop bluetooth.service; modprobe --all virtio_net hci_uart drbg")
        self.shell("sync; echo 3 > /proc/sys/vm/drop_caches")
        answer = self._monitor("human-monitor-command", **{"command-line": f"savevm {SNAPSHOT}"})
        if answer:
            raise CommandFailed(f"savevm: {answer.strip()}")

    def shell(self, command, limit_s=PATIENCE_S):
        """What a command said on both outputs; raises CommandFailed unless it ended with 0."""
        code, said = self.attempt(command, limit_s)
        if code != 0:
            raise CommandFailed(f"{command}\n  ended with {code}: {said.strip()}")
        return said

    def attempt(self, command, limit_s=PATIENCE_S):
        """The exit code of a command, and what it said on both outputs."""
        self.commands += 1
        mark = f"[command {self.commands} ended with "
        # In two parts, so that the line as it was typed is not taken for the answer.
        line = f"{{ {command}\n}} 2>&1; echo '{mark[:9]}''{mark[9:]}'$?]\n"
        self.console.sendall(line.encode())
        said = self._await(re.escape(mark).encode() + rb"(\d+)\]\r?\n", limit_s)
        text, _, tail = said.decode(errors="replace").replace("\r", "").rpartition(mark)
        return int(tail.split("]")[0]), text

    def stop(self):
        """Ends QEMU at once."""
        self.qemu.kill()
        self.qemu.wait()
        self.log.close()
        self.output.close()

    def _connect(self, name):
        path = self.run_directory / name
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and self.qemu.poll() is None:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(path))
                return connection
            except (FileNotFoundError, ConnectionRefusedError):
                connection.close()
                time.sleep(0.1)
        raise CommandFailed(f"QEMU does not start: {(self.run_directory / 'qemu.log').read_text()}")

    def _monitor(self, command, **arguments):
        self.qmp.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.qmp.flush()
        while True:
            answer = json.loads(self.qmp.readline())
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise CommandFailed(f"{command}: {answer['error']['desc']}")

    def _await(self, pattern, limit_s):
        """What the console shows up to and with the pattern."""
        end = time.monotonic() + limit_s
        while True:
            found = re.search(pattern, self.seen)
            if found:
                said, self.seen = self.seen[: found.end()], self.seen[found.end() :]
                return said
            if time.monotonic() > end:
                tail = self.seen[-2000:].decode(errors="replace")
                raise CommandFailed(f"no answer on the console within {limit_s} s; last seen: {tail}")
            try:
                read = self.console.recv(65536)
            except TimeoutError:
                continue
            if not read:
                raise CommandFailed("the virtual machine is gone")
            self.log.write(read)
            self.log.flush()
            self.seen += read


def load(cache, run, payload_tree):
    """A machine that goes on from the snapshot, with a disk of its own and the tree on its second disk."""
    shutil.copyfile(cache / "guest" / "ready.qcow2", run / "disk.qcow2")
    make_payload(cache, run, payload_tree)
    machine = Machine(cache, run, run / "disk.qcow2", SNAPSHOT)
    try:
        machine.shell("true")
    except BaseException:
        machine.stop()
        raise
    return machine


def qemu(guest, disk, snapshot):
    """QEMU's command line. A snapshot can only be loaded by the very machine that took it."""
    kernel = "console=ttyAMA0 root=/dev/vda rw quiet panic=-1 mitigations=off nokaslr"
    command = ["setpriv", "--pdeathsig", "KILL", "--"]
    command += ["qemu-system-aarch64", "-nodefaults", "-display", "none", "-no-reboot"]
    command += ["-M", "virt,gic-version=2", "-cpu", "cortex-a72", "-smp", "2", "-m", "512"]
    command += ["-accel", "tcg,thread=multi"]
    command += ["-kernel", str(guest / "vmlinuz"), "-initrd", str(guest / "initrd"), "-append", kernel]
    command += ["-drive", f"file={disk},if=none,id=root,format=qcow2", "-device", "virtio-blk-pci,drive=root"]
    command += ["-drive", "file=payload.img,if=none,id=payload,format=raw,readonly=on"]
    command += ["-device", "virtio-blk-pci,drive=payload"]
    command += ["-chardev", "socket,id=console,path=console,server=on,wait=off", "-serial", "chardev:console"]
    command += ["-chardev", "socket,id=radio,path=radio,server=on,wait=off", "-device", "pci-serial,chardev=radio"]
    command += ["-netdev", "user,id=network", "-device", "virtio-net-pci,netdev=network,romfile="]
    command += ["-device", "virtio-rng-pci"]
    command += ["-qmp", "unix:qmp,server=on,wait=off", "-monitor", "none"]
    return command + (["-loadvm", snapshot] if snapshot else [])


if __name__ == "__main__":
    make_snapshot(Path(sys.argv[1]))
