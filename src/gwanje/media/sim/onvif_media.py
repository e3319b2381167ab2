"""Media of a simulated ONVIF camera (모의 ONVIF 영상 설정): profiles, encoders, masks, in Media and Media2 form."""

from __future__ import annotations

from gwanje.media.onvif.xml import Node, quoted, tag
from gwanje.media.sim.onvif_device import (
    MASKS_MAX,
    POINTS_MAX,
    Device,
    Encoder,
    Mask,
    SoapFault,
    bad_argument,
    not_supported,
)

SIZES = ((1280, 720), (640, 360))
GOV_MAX = 300
RATE_MAX = 30


def _encoder(one: Encoder, *, two: bool) -> str:
    size = f"<tt:Resolution>{tag('tt:Width', one.width)}{tag('tt:Height', one.height)}</tt:Resolution>"
    limit = tag("tt:FrameRateLimit", one.rate) + ("" if two else tag("tt:EncodingInterval", 1))
    rate = f"<tt:RateControl>{limit}{tag('tt:BitrateLimit', one.bitrate)}</tt:RateControl>"
    head = f"{tag('tt:Name', one.token)}<tt:UseCount>1</tt:UseCount>{tag('tt:Encoding', one.codec)}{size}"
    if two:
        return f"{head}{rate}<tt:Quality>5</tt:Quality>"
    inner = f"<tt:H264>{tag('tt:GovLength', one.gov)}<tt:H264Profile>Main</tt:H264Profile></tt:H264>"
    return f"{head}<tt:Quality>5</tt:Quality>{rate}{inner}<tt:SessionTimeout>PT60S</tt:SessionTimeout>"


def _attributes(one: Encoder, *, two: bool) -> str:
    return f"token={quoted(one.token)}" + (f' GovLength="{one.gov}" Profile="Main"' if two else "")


def _sound(prefix: str) -> str:
    return (
        f'<{prefix} token="aenc"><tt:Name>aenc</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>G711</tt:Encoding>'
        f"<tt:Bitrate>64</tt:Bitrate><tt:SampleRate>8</tt:SampleRate></{prefix}>"
    )


def profiles(device: Device, *, two: bool) -> str:
    """GetProfiles: one a stream; a dome's have a PTZ configuration."""
    prefix = "tr2" if two else "trt"
    names = ("VideoSource", "VideoEncoder", "AudioEncoder", "PTZ")
    source, video, sound, ptz = (f"tr2:{n}" if two else f"tt:{n}Configuration" for n in names)
    rows = []
    for one in device.encoders.values():
        inner = (
            f'<{source} token="vsrc"><tt:Name>vsrc</tt:Name><tt:SourceToken>vsrc</tt:SourceToken>'
            f'<tt:Bounds x="0" y="0" width="1280" height="720"/></{source}>'
            f"<{video} {_attributes(one, two=two)}>{_encoder(one, two=two)}</{video}>"
        )
        inner += _sound(sound) if one.stream in device.audio else ""
        inner += f'<{ptz} token="ptz"><tt:NodeToken>node</tt:NodeToken></{ptz}>' if device.dome else ""
        inner = f"<tr2:Configurations>{inner}</tr2:Configurations>" if two else inner
        name = tag(f"{'tr2' if two else 'tt'}:Name", one.stream)
        rows.append(f'<{prefix}:Profiles token={quoted(one.stream)} fixed="true">{name}{inner}</{prefix}:Profiles>')
    return f"<{prefix}:GetProfilesResponse>{''.join(rows)}</{prefix}:GetProfilesResponse>"


def stream_uri(device: Device, asked: Node, *, two: bool) -> str:
    """GetStreamUri."""
    token = asked.said("ProfileToken")
    if token not in {one.stream for one in device.encoders.values()}:
        raise SoapFault(400, "s:Sender", "ter:NoProfile", "The requested profile token does not exist")
    url = device.stream(token)
    if two:
        return f"<tr2:GetStreamUriResponse>{tag('tr2:Uri', url)}</tr2:GetStreamUriResponse>"
    return f"<trt:GetStreamUriResponse><trt:MediaUri>{tag('tt:Uri', url)}</trt:MediaUri></trt:GetStreamUriResponse>"


def encoders(device: Device, *, two: bool) -> str:
    """GetVideoEncoderConfigurations."""
    prefix = "tr2" if two else "trt"
    rows = "".join(
        f"<{prefix}:Configurations {_attributes(one, two=two)}>{_encoder(one, two=two)}</{prefix}:Configurations>"
        for one in device.encoders.values()
    )
    name = f"{prefix}:GetVideoEncoderConfigurationsResponse"
    return f"<{name}>{rows}</{name}>"


def options(device: Device, *, two: bool) -> str:
    """GetVideoEncoderConfigurationOptions."""
    sizes = "".join(
        f"<tt:ResolutionsAvailable>{tag('tt:Width', w)}{tag('tt:Height', h)}</tt:ResolutionsAvailable>"
        for w, h in SIZES
    )
    if two:
        return (
            "<tr2:GetVideoEncoderConfigurationOptionsResponse>"
            f'<tr2:Options GovLengthRange="1 {GOV_MAX}" FrameRatesSupported="30 25 15 10 5" ProfilesSupported="Main">'
            f"<tt:Encoding>H264</tt:Encoding>{sizes}<tt:BitrateRange><tt:Min>64</tt:Min><tt:Max>8000</tt:Max>"
            "</tt:BitrateRange></tr2:Options></tr2:GetVideoEncoderConfigurationOptionsResponse>"
        )
    return (
        "<trt:GetVideoEncoderConfigurationOptionsResponse><trt:Options><tt:H264>"
        f"{sizes}<tt:GovLengthRange><tt:Min>1</tt:Min><tt:Max>{GOV_MAX}</tt:Max></tt:GovLengthRange>"
        f"<tt:FrameRateRange><tt:Min>1</tt:Min><tt:Max>{RATE_MAX}</tt:Max></tt:FrameRateRange></tt:H264></trt:Options>"
        "</trt:GetVideoEncoderConfigurationOptionsResponse>"
    )


def set_encoder(device: Device, asked: Node, *, two: bool) -> str:
    """SetVideoEncoderConfiguration; what it cannot is refused whole."""
    said = asked.at("Configuration")
    one = device.encoders.get(said.attribute("token")) if said else None
    if said is None or one is None:
        raise SoapFault(400, "s:Sender", "ter:NoConfig", "The requested configuration does not exist")
    gov_text = said.attribute("GovLength") if two else said.said("H264", "GovLength")
    size = (said.whole("Resolution", "Width"), said.whole("Resolution", "Height"))
    gov = int(gov_text) if gov_text.isdigit() else one.gov
    rate = said.whole("RateControl", "FrameRateLimit") or one.rate
    if size not in SIZES or not 1 <= gov <= GOV_MAX or not 1 <= rate <= RATE_MAX or said.said("Encoding") != "H264":
        raise SoapFault(400, "s:Sender", "ter:ConfigModify", "The configuration parameters are not possible to set")
    one.width, one.height = size[0] or 0, size[1] or 0
    one.gov, one.rate = gov, rate
    one.bitrate = said.whole("RateControl", "BitrateLimit") or one.bitrate
    prefix = "tr2" if two else "trt"
    return f"<{prefix}:SetVideoEncoderConfigurationResponse/>"


def audio_encoders(device: Device, *, two: bool) -> str:
    """GetAudioEncoderConfigurations."""
    prefix = "tr2" if two else "trt"
    rows = _sound(f"{prefix}:Configurations") if device.audio else ""
    name = f"{prefix}:GetAudioEncoderConfigurationsResponse"
    return f"<{name}>{rows}</{name}>"


def remove_audio(device: Device, asked: Node, *, two: bool) -> str:
    """RemoveAudioEncoderConfiguration (Media), RemoveConfiguration of type AudioEncoder (Media2)."""
    if device.audio_stays:
        raise SoapFault(500, "s:Receiver", "ter:ActionNotSupported", "The audio encoder is fixed")
    device.audio.discard(asked.said("ProfileToken"))
    return "<tr2:RemoveConfigurationResponse/>" if two else "<trt:RemoveAudioEncoderConfigurationResponse/>"


# --- masks (Media2) -------------------------------------------------------------------------------------------------


def _points(asked: Node) -> list[tuple[float, float]]:
    polygon = asked.at("Polygon")
    try:
        found = [
            (float(p.attributes["x"]), float(p.attributes["y"])) for p in (polygon.all("Point") if polygon else [])
        ]
    except (KeyError, ValueError) as error:
        raise bad_argument("a point needs x and y") from error
    if not 3 <= len(found) <= POINTS_MAX or any(not -1 <= c <= 1 for point in found for c in point):
        raise bad_argument(f"a mask has 3 to {POINTS_MAX} points in [-1, 1]")
    return found


def masks(device: Device, operation: str, asked: Node) -> str:
    """GetMasks, GetMaskOptions, CreateMask, SetMask, DeleteMask."""
    if not device.masks_known:
        raise not_supported("masks")
    said = asked.at("Mask")
    if operation == "GetMaskOptions":
        return (
            f'<tr2:GetMaskOptionsResponse><tr2:Options RectangleOnly="false"><tr2:MaxMasks>{MASKS_MAX}</tr2:MaxMasks>'
            f"<tr2:MaxPoints>{POINTS_MAX}</tr2:MaxPoints><tr2:Types>Color</tr2:Types></tr2:Options>"
            "</tr2:GetMaskOptionsResponse>"
        )
    if operation == "GetMasks":
        rows = "".join(_mask(mask) for mask in device.masks.values())
        return f"<tr2:GetMasksResponse>{rows}</tr2:GetMasksResponse>"
    if operation == "DeleteMask":
        if device.masks.pop(asked.said("Token"), None) is None:
            raise SoapFault(400, "s:Sender", "ter:NoConfig", "The requested mask does not exist")
        return "<tr2:DeleteMaskResponse/>"
    if said is None:
        raise bad_argument("Mask is missing")
    enabled = said.said("Enabled") != "false"
    if operation == "CreateMask":
        if len(device.masks) >= MASKS_MAX:
            raise SoapFault(500, "s:Receiver", "ter:MaxMasks", "No more masks")
        token = device.next_token("mask")
        device.masks[token] = Mask(token, said.said("ConfigurationToken"), _points(said), enabled)
        return f"<tr2:CreateMaskResponse>{tag('tr2:Token', token)}</tr2:CreateMaskResponse>"
    found = device.masks.get(said.attribute("token"))
    if found is None:
        raise SoapFault(400, "s:Sender", "ter:NoConfig", "The requested mask does not exist")
    found.points, found.enabled = _points(said), enabled
    return "<tr2:SetMaskResponse/>"


def _mask(mask: Mask) -> str:
    points = "".join(f'<tt:Point x="{x:.4f}" y="{y:.4f}"/>' for x, y in mask.points)
    return (
        f"<tr2:Masks token={quoted(mask.token)}>{tag('tr2:ConfigurationToken', mask.configuration)}"
        f"<tr2:Polygon>{points}</tr2:Polygon><tr2:Type>Color</tr2:Type>"
        f"{tag('tr2:Enabled', 'true' if mask.enabled else 'false')}</tr2:Masks>"
    )
