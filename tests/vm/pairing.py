"""Pairing at the gateway, as a technician does it who reads the passkey from the meter's display."""

from machine import CommandFailed
from waiting import wait_for

# In the guest: what is typed comes through this pipe, what the command says and how it ends goes to these files.
TYPED = "/run/pairing.typed"
SAID = "/run/pairing.said"
CODE = "/run/pairing.code"


def pair(gateway, cuff, name):
    """Pairs the cuff and puts it into the configuration as `name`. Gives what the gateway said."""
    machine = gateway.machine
    command = f"varde devices pair {cuff.address} --as {name} --profile blood-pressure --apply"
    shown = cuff.count("passkey")
    # The shell keeps the pipe open, so that the command's input does not end with its first line.
    machine.shell(f"rm -f {TYPED} {SAID} {CODE}; mkfifo {TYPED}; exec 7<>{TYPED}")
    machine.shell(f"({command} <{TYPED} >{SAID} 2>&1; echo $? >{CODE}) &")

    def code():
        return machine.attempt(f"cat {CODE}")[1].strip() if machine.attempt(f"test -s {CODE}")[0] == 0 else None

    wait_for("the cuff to show a passkey", lambda: cuff.count("passkey") > shown or code())
    if cuff.count("passkey") > shown:
        wait_for("the question", lambda: "which passkey" in machine.shell(f"cat {SAID}"))
        machine.shell(f"echo {cuff.last('passkey')} >&7")
        wait_for("the end of the pairing", code)
    said = machine.shell(f"exec 7>&-; cat {SAID}").strip()
    if code() != "0":
        raise CommandFailed(f"{command} ended with {code()}: {said}")
    return said
