"""The air: the guest's Bluetooth controller, and room for devices in its reach. Played by Bumble."""

import asyncio
import logging
import os
import threading

from bumble import hci, ll
from bumble.controller import Controller
from bumble.link import LocalLink
from bumble.transport import open_transport

# Of the kind that a Raspberry Pi has: public, burnt in.
ADAPTER_ADDRESS = "B8:27:EB:00:00:01"


class Radio:
    """What is in the air runs in a thread of its own; `do` reaches into it."""

    def __init__(self, directory):
        logging.basicConfig(filename=directory / "bumble.log", level=logging.WARNING, filemode="w")
        # What passes between the guest and its controller, for btmon or Wireshark.
        os.environ["BUMBLE_SNOOPER"] = f"btsnoop:file:{directory}/adapter.btsnoop"
        self.air = Air()
        self.uart = None
        self.adapter = None
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def do(self, coroutine, limit_s=60):
        """Runs a coroutine among what is in the air, and gives its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(limit_s)

    def plug_in(self, uart):
        """Puts the controller at the other end of the guest's UART."""

        async def open_uart():
            # Kept, for it closes when it is forgotten.
            self.uart = await open_transport(f"unix:{uart}")
            self.adapter = Adapter(
                "adapter", host_source=self.uart.source, host_sink=self.uart.sink, link=self.air,
                public_address=ADAPTER_ADDRESS,
            )  # fmt: skip

        self.do(open_uart())

    def fall_silent(self):
        """The controller loses its power, until the guest attaches and resets it."""

        async def lose_power():
            self.adapter.lose_power()

        self.do(lose_power())


class Adapter(Controller):
    """Bumble's controller cannot lose its power, and keeps its links and its scan over a reset."""

    powered = True

    def on_hci_reset_command(self, command):
        self.lose_power()
        self.powered = True
        return super().on_hci_reset_command(command)

    def send_hci_packet(self, packet):
        # What came while nobody has the UART open would be the garbage before the next one's first frame.
        if self.powered:
            super().send_hci_packet(packet)

    def lose_power(self):
        """Ends scan and links; their peers notice by the silence."""
        self.powered = False
        self.le_scan_enable = False
        for connection in list(self.le_connections.values()):
            connection.send_ll_control_pdu(ll.TerminateInd(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR))
        self.le_connections.clear()


class Air(LocalLink):
    """Bumble's air takes a sender for its random address. The adapter connects by its public one, as a Pi does."""

    def send_acl_data(self, sender_controller, destination_address, transport, data):
        destination = self.find_le_controller(destination_address)
        connection = sender_controller.le_connections.get(destination_address)
        if destination and connection:
            asyncio.get_running_loop().call_soon(
                destination.on_link_acl_data, connection.self_address, transport, data
            )
