"""What a simulated ONVIF camera is and answers (모의 ONVIF 장치): a dome or a fixed camera, as SOAP bodies.

The device keeps its own witness: ``log`` holds what it was asked to do, in order, so that a test can ask the device's
side and not the client's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gwanje.kernel.clock import Clock
from gwanje.media.onvif.xml import NAMESPACES, Node, quoted, tag
from gwanje.media.sim.dome import Dome

LOG_MAX = 2000
MASKS_MAX = 8
POINTS_MAX = 8
PANTILT = "http://www.onvif.org/ver10/tptz/PanTiltSpaces"
ZOOM = "http://www.onvif.org/ver10/tptz/ZoomSpaces"


class SoapFault(Exception):
    """A fault that the device answers: HTTP status, SOAP code, ONVIF subcode, reason."""

    def __init__(self, status: int, code: str, subcode: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.code, self.subcode, self.reason = status, code, subcode, reason


@dataclass
class Encoder:
    """A video encoder's settings; ``gov`` is the distance of key frames in frames, ``bitrate`` kbit/s."""

    token: str
    stream: str
    codec: str
    width: int
    height: int
    rate: int
    bitrate: int
    gov: int


@dataclass
class Mask:
    """A privacy mask: corner points in [-1, 1] of the picture."""

    token: str
    configuration: str
    points: list[tuple[float, float]]
    enabled: bool = True


@dataclass
class Pull:
    """A pull point: what waits for it, and when it ends (seconds of the server's steady clock)."""

    until: float
    messages: deque[str] = field(default_factory=lambda: deque(maxlen=100))


def _encoders() -> dict[str, Encoder]:
    both = (
        Encoder("venc_main", "main", "H264", 1280, 720, 15, 1500, 150),
        Encoder("venc_sub", "sub", "H264", 640, 360, 15, 400, 30),
    )
    return {one.token: one for one in both}


@dataclass
class Device:
    """One simulated camera. ``dome`` None: fixed. ``stream``: main or sub to its RTSP address.

    Faults a test sets: ``refuse`` (operations answered "not supported"), ``blind`` (status without a position),
    ``media2``/``masks_known`` (services it has), ``audio_stays`` (its audio encoder cannot be removed), ``locked``,
    ``torn``, ``bomb``, ``huge``, ``hang``, ``error500``, ``slow_s``, ``clock_s`` (its clock is so many seconds ahead).
    """

    name: str
    clock: Clock
    stream: Callable[[str], str]
    user: str = ""
    password: str = field(default="", repr=False)
    dome: Dome | None = None
    maker: str = "GWANJE"
    model: str = "SIM-FIXED"
    firmware: str = "1.0.0"
    serial: str = "SIM0001"
    scheme: str = "both"
    encoders: dict[str, Encoder] = field(default_factory=_encoders)
    audio: set[str] = field(default_factory=set)
    masks: dict[str, Mask] = field(default_factory=dict)
    pulls: dict[str, Pull] = field(default_factory=dict)
    refuse: set[str] = field(default_factory=set)
    blind: bool = False
    media2: bool = True
    masks_known: bool = True
    audio_stays: bool = False
    locked: bool = False
    torn: bool = False
    bomb: bool = False
    huge: bool = False
    hang: bool = False
    error500: bool = False
    slow_s: float = 0.0
    clock_s: float = 0.0
    log: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=LOG_MAX))
    counter: int = 0

    def now(self) -> datetime:
        """The device's own time."""
        return self.clock.now() + timedelta(seconds=self.clock_s)

    def next_token(self, prefix: str) -> str:
        """A token that was not given before."""
        self.counter += 1
        return f"{prefix}{self.counter}"

    def emit(self, topic: str, item: str, value: str, source: str = "VideoSource") -> None:
        """An event for every pull point, for example ``tns1:RuleEngine/CellMotionDetector/Motion``."""
        said = (
            f'<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"'
            f">{topic}</wsnt:Topic><wsnt:Message><tt:Message UtcTime={quoted(stamp(self.now()))}"
            f' PropertyOperation="Changed"><tt:Source><tt:SimpleItem Name={quoted(source)} Value="0"/></tt:Source>'
            f"<tt:Data><tt:SimpleItem Name={quoted(item)} Value={quoted(value)}/></tt:Data></tt:Message>"
            f"</wsnt:Message></wsnt:NotificationMessage>"
        )
        for pull in self.pulls.values():
            pull.messages.append(said)


def stamp(at: datetime) -> str:
    """xs:dateTime in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def not_supported(what: str) -> SoapFault:
    """The fault of an operation that this camera has not."""
    return SoapFault(500, "s:Receiver", "ter:ActionNotSupported", f"Optional Action Not Implemented: {what}")


def bad_argument(what: str) -> SoapFault:
    """The fault of an argument that the device does not know."""
    return SoapFault(400, "s:Sender", "ter:InvalidArgVal", what)


# --- Device service -------------------------------------------------------------------------------------------------


def information(device: Device) -> str:
    """GetDeviceInformation."""
    inner = (
        tag("tds:Manufacturer", device.maker) + tag("tds:Model", device.model)
        + tag("tds:FirmwareVersion", device.firmware) + tag("tds:SerialNumber", device.serial)
        + tag("tds:HardwareId", "sim")
    )  # fmt: skip
    return f"<tds:GetDeviceInformationResponse>{inner}</tds:GetDeviceInformationResponse>"


def date_and_time(device: Device) -> str:
    """GetSystemDateAndTime."""
    at = device.now().astimezone(UTC)
    clock = tag("tt:Hour", at.hour) + tag("tt:Minute", at.minute) + tag("tt:Second", at.second)
    date = tag("tt:Year", at.year) + tag("tt:Month", at.month) + tag("tt:Day", at.day)
    return (
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>"
        "<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>KST-9</tt:TZ></tt:TimeZone>"
        f"<tt:UTCDateTime><tt:Time>{clock}</tt:Time><tt:Date>{date}</tt:Date></tt:UTCDateTime>"
        "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def set_date_and_time(device: Device, asked: Node) -> str:
    """SetSystemDateAndTime, Manual only."""
    time, date = asked.at("UTCDateTime", "Time"), asked.at("UTCDateTime", "Date")
    if time is None or date is None:
        raise bad_argument("UTCDateTime is missing")
    parts = [date.whole("Year"), date.whole("Month"), date.whole("Day")]
    parts += [time.whole("Hour"), time.whole("Minute"), time.whole("Second")]
    try:
        at = datetime(*[-1 if p is None else p for p in parts], tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError as error:
        raise bad_argument("no such time") from error
    device.clock_s = (at - device.clock.now()).total_seconds()
    return "<tds:SetSystemDateAndTimeResponse/>"


def services(device: Device, base: str) -> str:
    """GetServices."""
    known = [("tds", "device_service"), ("trt", "media_service"), ("tev", "event_service")]
    known += [("tr2", "media2_service")] if device.media2 else []
    known += [("tptz", "ptz_service")] if device.dome else []
    rows = "".join(
        f"<tds:Service>{tag('tds:Namespace', NAMESPACES[prefix])}{tag('tds:XAddr', f'{base}/{path}')}"
        "<tds:Version><tt:Major>2</tt:Major><tt:Minor>0</tt:Minor></tds:Version></tds:Service>"
        for prefix, path in known
    )
    return f"<tds:GetServicesResponse>{rows}</tds:GetServicesResponse>"


def scopes(device: Device) -> str:
    """GetScopes."""
    words = [f"name/{device.model}", "Profile/Streaming", *(["type/ptz"] if device.dome else [])]
    rows = "".join(
        f"<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef>{tag('tt:ScopeItem', f'onvif://www.onvif.org/{word}')}</tds:Scopes>"
        for word in words
    )
    return f"<tds:GetScopesResponse>{rows}</tds:GetScopesResponse>"


def protocols(device: Device) -> str:
    """GetNetworkProtocols."""
    rows = "".join(
        f"<tds:NetworkProtocols>{tag('tt:Name', name)}<tt:Enabled>true</tt:Enabled>{tag('tt:Port', port)}"
        "</tds:NetworkProtocols>"
        for name, port in (("HTTP", 80), ("RTSP", 554))
    )
    return f"<tds:GetNetworkProtocolsResponse>{rows}</tds:GetNetworkProtocolsResponse>"


# --- PTZ service ----------------------------------------------------------------------------------------------------


def body_of(device: Device) -> Dome:
    """The dome; the fault of a fixed camera."""
    if device.dome is None:
        raise not_supported("PTZ")
    return device.dome


def vector(at: tuple[float, float, float]) -> str:
    """A position in the generic spaces."""
    pan, tilt, zoom = at
    return (
        f'<tt:PanTilt x="{pan:.5f}" y="{tilt:.5f}" space="{PANTILT}/PositionGenericSpace"/>'
        f'<tt:Zoom x="{zoom:.5f}" space="{ZOOM}/PositionGenericSpace"/>'
    )


def asked_vector(asked: Node | None) -> tuple[float | None, float | None, float | None]:
    """Pan, tilt and zoom of a request; None for what it does not name."""
    turn = asked.at("PanTilt") if asked else None
    zoom = asked.at("Zoom") if asked else None

    def value(node: Node | None, name: str) -> float | None:
        if node is None:
            return None
        try:
            return float(node.attributes.get(name, "0"))
        except ValueError as error:
            raise bad_argument(f"{name} is no number") from error

    return value(turn, "x"), value(turn, "y"), value(zoom, "x")


def status(device: Device, now: float) -> str:
    """GetStatus: without a position when the camera is blind."""
    dome = body_of(device)
    at = dome.advance(now)
    word = "MOVING" if dome.moving else "IDLE"
    place = "" if device.blind else f"<tt:Position>{vector(at)}</tt:Position>"
    return (
        f"<tptz:GetStatusResponse><tptz:PTZStatus>{place}<tt:MoveStatus>{tag('tt:PanTilt', word)}{tag('tt:Zoom', word)}"
        f"</tt:MoveStatus>{tag('tt:UtcTime', stamp(device.now()))}</tptz:PTZStatus></tptz:GetStatusResponse>"
    )


def presets(device: Device) -> str:
    """GetPresets."""
    rows = "".join(
        f"<tptz:Preset token={quoted(p.token)}>{tag('tt:Name', p.name)}<tt:PTZPosition>{vector(p.at)}</tt:PTZPosition>"
        "</tptz:Preset>"
        for p in body_of(device).presets.values()
    )
    return f"<tptz:GetPresetsResponse>{rows}</tptz:GetPresetsResponse>"


def nodes(device: Device) -> str:
    """GetNodes: generic spaces only."""
    body_of(device)

    def space(name: str, uri: str, low: float, two: bool) -> str:
        axis = f"<tt:Min>{low}</tt:Min><tt:Max>1</tt:Max>"
        ranges = f"<tt:XRange>{axis}</tt:XRange>" + (f"<tt:YRange>{axis}</tt:YRange>" if two else "")
        return f"<tt:{name}>{tag('tt:URI', uri)}{ranges}</tt:{name}>"

    spaces = (
        space("AbsolutePanTiltPositionSpace", f"{PANTILT}/PositionGenericSpace", -1, True)
        + space("AbsoluteZoomPositionSpace", f"{ZOOM}/PositionGenericSpace", 0, False)
        + space("ContinuousPanTiltVelocitySpace", f"{PANTILT}/VelocityGenericSpace", -1, True)
        + space("ContinuousZoomVelocitySpace", f"{ZOOM}/VelocityGenericSpace", -1, False)
    )
    return (
        '<tptz:GetNodesResponse><tptz:PTZNode token="node"><tt:Name>dome</tt:Name><tt:SupportedPTZSpaces>'
        f"{spaces}</tt:SupportedPTZSpaces><tt:MaximumNumberOfPresets>256</tt:MaximumNumberOfPresets>"
        "<tt:HomeSupported>true</tt:HomeSupported></tptz:PTZNode></tptz:GetNodesResponse>"
    )


def steer(device: Device, operation: str, asked: Node, now: float) -> str:
    """ContinuousMove, AbsoluteMove, Stop, presets and home: what moves the dome or its memory."""
    dome = body_of(device)
    answer = f"<tptz:{operation}Response/>"
    if operation == "ContinuousMove":
        dome.move(now, asked_vector(asked.at("Velocity")), seconds(asked.said("Timeout"), 60.0))
    elif operation == "AbsoluteMove":
        pace = asked_vector(asked.at("Speed"))[0]
        dome.to(now, asked_vector(asked.at("Position")), 1.0 if pace is None else pace)
    elif operation == "Stop":
        dome.stop(now, pan_tilt=asked.said("PanTilt") != "false", zoom=asked.said("Zoom") != "false")
    elif operation == "GotoPreset":
        found = dome.presets.get(asked.said("PresetToken"))
        if found is None:
            raise SoapFault(400, "s:Sender", "ter:NoToken", "The requested preset token does not exist")
        dome.to(now, found.at)
    elif operation == "SetPreset":
        token = asked.said("PresetToken") or device.next_token("preset")
        dome.keep(now, token, asked.said("PresetName"))
        answer = f"<tptz:SetPresetResponse>{tag('tptz:PresetToken', token)}</tptz:SetPresetResponse>"
    elif operation == "RemovePreset":
        dome.presets.pop(asked.said("PresetToken"), None)
    elif operation == "GotoHomePosition":
        dome.to(now, dome.home)
    else:
        dome.home = dome.advance(now)
    return answer


def seconds(text: str, otherwise: float) -> float:
    """Seconds of an xs:duration like ``PT1.5S`` or ``PT1M``; bounded to an hour."""
    if not text.startswith("PT"):
        return otherwise
    unit = {"S": 1.0, "M": 60.0, "H": 3600.0}.get(text[-1:], 0.0)
    try:
        return max(0.0, min(3600.0, float(text[2:-1]) * unit))
    except ValueError:
        return otherwise
