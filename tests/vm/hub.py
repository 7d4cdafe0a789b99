"""The receiving end, outside the home: varde-hub on the host, with its own broker."""

import json
import socket
import subprocess

from machine import HOST_ADDRESS, CommandFailed

GATEWAY = "gw-vm"


class Hub:
    """A hub with one enrolled gateway; its files are below `directory`."""

    def __init__(self, program, directory):
        self.program = program
        self.directory = directory / "hub"
        self.credentials = directory / "credentials"
        self.port = free_port()
        self._ask("init", "--directory", self.directory, "--broker-host", HOST_ADDRESS)
        self._ask("enrol", "--directory", self.directory, GATEWAY, "--out", self.credentials)
        self.log = open(directory / "hub.log", "wb")
        listen = f"127.0.0.1:{self.port}"
        # However this test ends, its hub ends with it.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", program, "serve"]
            + ["--directory", self.directory, "--embedded-broker", listen],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
        )  # fmt: skip

    @property
    def broker(self):
        """The broker as the guest reaches it."""
        return f"mqtts://{HOST_ADDRESS}:{self.port}"

    def observations(self):
        """What has been received, oldest first."""
        lines = self._ask("show", "--directory", self.directory, "--json").splitlines()
        return [json.loads(line) for line in lines]

    def incidents(self):
        """What was refused, missing or given up."""
        lines = self._ask("show", "--directory", self.directory, "--json", "--incidents").splitlines()
        return [json.loads(line) for line in lines]

    def stop(self):
        """Ends it."""
        self.process.kill()
        self.process.wait()
        self.log.close()

    def _ask(self, *arguments):
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CommandFailed(f"varde-hub {arguments[0]}: {done.stderr.strip()}")
        return done.stdout


def free_port():
    """A port of this host that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
