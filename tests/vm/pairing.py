"""Pairing on the gateway's console, as a technician does it who reads the passkey from the meter's display."""

from waiting import wait_for

# What the pairing says goes to this file of the guest, and what is typed comes from this pipe.
SAID = "/run/pairing.said"
TYPED = "/run/pairing.typed"


def pair(gateway, cuff, name):
    """Pairs the cuff with the gateway and puts it into the configuration as `name`. Gives what the gateway said."""
    machine = gateway.machine
    machine.shell(f"rm -f {SAID} {TYPED}; mkfifo {TYPED}")
    # The shell keeps the pipe open for writing, so that it does not end after the first line.
    machine.shell(f"exec 7<>{TYPED}; bluetoothctl --agent KeyboardOnly <{TYPED} >{SAID} 2>&1 &")
    before = cuff.count("passkey")
    machine.shell(f"sleep 2; echo 'pair {cuff.address}' >&7")
    wait_for("the cuff to show a passkey", lambda: cuff.count("passkey") > before)
    machine.shell(f"sleep 1; echo {cuff.last('passkey')} >&7")
    wait_for("the cuff to be paired", lambda: cuff.count("paired") > 0)
    machine.shell(f"sleep 2; echo 'disconnect {cuff.address}' >&7; sleep 2; echo quit >&7; exec 7>&-; wait")
    machine.shell(
        "cat > /etc/varde/config.d/60-paired.toml <<'END'\n"
        f'[[device]]\nname = "{name}"\nprotocol = "ble"\naddress = "{cuff.address}"\n'
        'profile = "blood-pressure"\nEND'
    )
    gateway.restart()
    return machine.shell(f"cat {SAID}")
