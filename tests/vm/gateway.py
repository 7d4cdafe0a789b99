"""The gateway in the guest: installed from this repository's files, run by the guest's systemd."""

import json
import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
ADAPTER_UNIT = "adapter.service"


def stage(tree, program, hub):
    """What a technician brings to the box, below `tree`: program, units, configuration, credentials."""
    for source, target in [
        (program, "usr/bin/varde"),
        (REPOSITORY / "systemd/varde.service", "usr/lib/systemd/system/varde.service"),
        (REPOSITORY / "systemd/varde.path", "usr/lib/systemd/system/varde.path"),
        (REPOSITORY / "systemd/sysusers.d/varde.conf", "usr/lib/sysusers.d/varde.conf"),
        (REPOSITORY / "systemd/tmpfiles.d/varde.conf", "usr/lib/tmpfiles.d/varde.conf"),
        (REPOSITORY / "deploy/config.d/20-box.toml", "etc/varde/config.d/20-box.toml"),
    ]:
        place = tree / target
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)
    uplink = (REPOSITORY / "deploy/config.d/10-uplink.toml").read_text()
    uplink = uplink.replace("mqtts://broker.example:8883", hub.broker)
    (tree / "etc/varde/config.d/10-uplink.toml").write_text(uplink)
    shutil.copytree(hub.credentials, tree / "credentials")


class Gateway:
    """What a technician at the box, or misfortune, does to it."""

    def __init__(self, machine):
        self.machine = machine

    def install(self):
        """From the second disk, as the comments in systemd/ say."""
        self.machine.shell("blockdev --flushbufs /dev/vdb && mount -o ro /dev/vdb /mnt")
        self.machine.shell("cp -r /mnt/usr /mnt/etc / && systemd-sysusers && systemd-tmpfiles --create")
        self.machine.shell(
            "install -o varde -g varde -m 0400 /mnt/credentials/* /var/lib/varde/credentials/"
            " && umount /mnt && systemctl daemon-reload"
        )
        self.machine.shell("varde check")

    def start(self):
        """Enables and starts it; systemd waits for READY."""
        self.machine.shell("systemctl enable --quiet varde.service varde.path && systemctl start varde.service")

    def restart(self):
        """As after a change of its configuration."""
        self.machine.shell("systemctl restart varde.service")

    def property(self, name, unit="varde.service"):
        """A property of a unit, as systemd shows it."""
        return self.machine.shell(f"systemctl show --value --property {name} {unit}").strip()

    def status(self):
        """What `varde status` says, or None while nobody answers."""
        code, said = self.machine.attempt("varde status --json 2>/dev/null")
        return json.loads(said) if code == 0 else None

    def kill(self, unit):
        """SIGKILL to a unit's main process."""
        self.machine.shell(f"systemctl kill --signal=KILL --kill-whom=main {unit}")

    def attach_adapter(self):
        """Puts a Bluetooth controller on the UART, as the start of a Pi does."""
        self.machine.shell(
            f"systemd-run --quiet --collect --unit={ADAPTER_UNIT} btattach --bredr /dev/ttyS0 --protocol h4"
        )

    def detach_adapter(self):
        """Takes it away."""
        self.machine.shell(f"systemctl stop {ADAPTER_UNIT}")

    def journal(self, unit):
        """The last lines that a unit logged."""
        return self.machine.attempt(f"journalctl --no-pager --output short-precise --lines 40 --unit {unit}")[1]
