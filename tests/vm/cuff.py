"""A blood pressure monitor, as bought in a shop: measures alone, hands over when a gateway comes, sleeps again.

Blood Pressure Service 1.1.1; what it says of itself is made up.
"""

import asyncio
import secrets
import struct
import time

from bumble import hci
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData
from bumble.device import Device, DeviceConfiguration
from bumble.gatt import Characteristic, Descriptor, Service
from bumble.host import Host
from bumble.pairing import PairingConfig, PairingDelegate

SERVICE = 0x1810
MEASUREMENT = "2A35"
FEATURE = "2A49"
DEVICE_INFORMATION = 0x180A
MANUFACTURER = "2A29"
CLIENT_CONFIGURATION = "2902"

# A link over which nothing is handed over is given up. A real monitor waits some seconds; the guest is slow.
IDLE_LIMIT_S = 60
# How long it stays after its last reading was confirmed.
FAREWELL_S = 3

Permissions = Characteristic.Permissions
SECURED_READ = Permissions.READABLE | Permissions.READ_REQUIRES_ENCRYPTION
SECURED_WRITE = Permissions.WRITEABLE | Permissions.WRITE_REQUIRES_ENCRYPTION


class Cuff:
    """A monitor in reach of `radio`. It shows a passkey when it is paired, and speaks only over an encrypted link."""

    def __init__(self, radio, address, name):
        self.radio = radio
        self.address = address
        self.name = name
        # What happened, oldest first: (when, what, more). `count` and `last` read it.
        self.history = []
        self.memory = []
        self.pairable = False
        radio.do(self._switch_on())

    # What a person does.

    def offer_pairing(self, offered=True):
        """Holds the button until the monitor advertises without a reading, or lets it go to sleep again."""

        async def set_pairable():
            self.pairable = offered
            await self._advertise_if_needed()

        self.radio.do(set_pairable())

    def measure(self, systolic, diastolic, pulse):
        """Takes a reading. It stays in the memory until a gateway has confirmed it."""

        async def keep():
            self.memory.append(reading(systolic, diastolic, pulse))
            await self._advertise_if_needed()
            self._hand_over_soon()

        self.radio.do(keep())

    def change_batteries(self):
        """Some monitors forget their bonds at that."""

        async def forget():
            await self.device.keystore.delete_all()

        self.radio.do(forget())

    # What the test sees.

    def count(self, what):
        """How often something happened."""
        return sum(1 for _, happened, _ in self.history if happened == what)

    def last(self, what):
        """What was last noted with something that happened, or None."""
        return next((more for _, happened, more in reversed(self.history) if happened == what), None)

    def when(self, what):
        """When something happened last, on the monotonic clock."""
        return next(at for at, happened, _ in reversed(self.history) if happened == what)

    # What the firmware does.

    async def _switch_on(self):
        controller = Controller(self.name, link=self.radio.air, public_address=None)
        host = Host()
        host.controller = controller
        configuration = DeviceConfiguration(
            name=self.name, address=hci.Address(self.address), irk=secrets.token_bytes(16)
        )
        self.connection = None
        self.handing_over = None
        self.device = Device(config=configuration, host=host)
        self.device.pairing_config_factory = lambda _connection: PairingConfig(
            sc=True, mitm=True, bonding=True, delegate=Display(self._note)
        )
        self.device.add_services(self._services())
        self.device.on(Device.EVENT_CONNECTION, self._connected)
        self.device.advertising_data = bytes(
            AdvertisingData(
                [
                    (AdvertisingData.FLAGS, bytes([0x06])),
                    (AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, struct.pack("<H", SERVICE)),
                    (AdvertisingData.COMPLETE_LOCAL_NAME, self.name.encode()),
                ]
            )
        )
        await self.device.power_on()

    def _services(self):
        server = self.device.gatt_server
        self.measurement = Characteristic(MEASUREMENT, Characteristic.Properties.INDICATE, Permissions(0))
        # In Bumble's own descriptor anybody may write.
        self.measurement.descriptors = (
            Descriptor(
                CLIENT_CONFIGURATION,
                Permissions.READABLE | SECURED_WRITE,
                server.make_descriptor_value(self.measurement),
            ),
        )
        self.measurement.on(Characteristic.EVENT_SUBSCRIPTION, self._subscribed)
        feature = Characteristic(FEATURE, Characteristic.Properties.READ, SECURED_READ, struct.pack("<H", 0))
        feature.on(Characteristic.EVENT_READ, lambda *_: self._note("feature read"))
        manufacturer = Characteristic(
            MANUFACTURER, Characteristic.Properties.READ, Permissions.READABLE, b"Example"
        )
        return [
            Service(UUID.from_16_bits(SERVICE), [self.measurement, feature]),
            Service(UUID.from_16_bits(DEVICE_INFORMATION), [manufacturer]),
        ]

    def _note(self, what, more=None):
        self.history.append((time.monotonic(), what, more))

    def _connected(self, connection):
        self.connection = connection
        self.subscribed = False
        self._note("connected", str(connection.peer_address))
        connection.on(connection.EVENT_PAIRING, self._paired)
        connection.on(connection.EVENT_PAIRING_FAILURE, lambda why: self._note("pairing failed", why))
        connection.on(connection.EVENT_CONNECTION_ENCRYPTION_CHANGE, self._encrypted)
        connection.on(connection.EVENT_DISCONNECTION, self._disconnected)
        self.idle = self.radio.loop.call_later(IDLE_LIMIT_S, self._hang_up)

    def _paired(self, keys):
        self._note("paired", "authenticated" if keys.ltk and keys.ltk.authenticated else "unauthenticated")

    def _encrypted(self):
        if self.connection and self.connection.is_encrypted:
            self._note("encrypted")
            self._hand_over_soon()

    def _subscribed(self, _bearer, _notify, indicate):
        self.subscribed = indicate
        self._note("subscribed" if indicate else "unsubscribed")
        self._hand_over_soon()

    def _disconnected(self, why):
        self._note("disconnected", why)
        self.connection = None
        self.idle.cancel()
        # Bumble would go on waiting for a confirmation over the link that is gone.
        if self.handing_over:
            self.handing_over.cancel()
        asyncio.ensure_future(self._advertise_if_needed())

    def _hang_up(self):
        if self.connection:
            asyncio.ensure_future(self.connection.disconnect())

    async def _advertise_if_needed(self):
        wanted = (self.pairable or self.memory) and not self.connection
        if wanted and not self.device.is_advertising:
            await self.device.start_advertising(
                advertising_interval_min=100, advertising_interval_max=100
            )
        elif not wanted and self.device.is_advertising:
            await self.device.stop_advertising()

    def _hand_over_soon(self):
        if self.connection and self.subscribed and self.connection.is_encrypted and self.memory:
            if self.handing_over is None or self.handing_over.done():
                self.handing_over = asyncio.ensure_future(self._hand_over())

    async def _hand_over(self):
        connection = self.connection
        while self.memory and self.connection is connection:
            self._note("indicated")
            # Returns when the gateway's Bluetooth stack has confirmed, raises when the link is gone.
            await self.device.gatt_server.indicate_subscriber(connection, self.measurement, self.memory[0])
            self._note("confirmed")
            self.memory.pop(0)
        self.idle.cancel()
        self.idle = self.radio.loop.call_later(FAREWELL_S, self._hang_up)


class Display(PairingDelegate):
    """A display without keys: whoever pairs has to type what it shows (DisplayOnly)."""

    def __init__(self, note):
        super().__init__(PairingDelegate.IoCapability.DISPLAY_OUTPUT_ONLY)
        self.note = note

    async def display_number(self, number, digits):
        self.note("passkey", f"{number:0{digits}}")


def reading(systolic, diastolic, pulse):
    """A Blood Pressure Measurement in mmHg with time stamp and pulse rate (BLS 1.1.1, 3.1.1)."""
    mean = diastolic + (systolic - diastolic) // 3
    now = time.gmtime()
    taken = struct.pack("<HBBBBB", now.tm_year, now.tm_mon, now.tm_mday, now.tm_hour, now.tm_min, now.tm_sec)
    # SFLOAT with the exponent 0: the number itself.
    return struct.pack("<BHHH", 0x06, systolic, diastolic, mean) + taken + struct.pack("<H", pulse)
