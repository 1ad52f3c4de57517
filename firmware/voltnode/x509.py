"""What an X.509 certificate in DER says, as far as a technician and the enrolment need it. Loaded when asked for.

Nothing here trusts a certificate: mbedTLS does that. Source: RFC 5280 section 4.1; DER as X.690.
"""

from voltnode.config import ConfigError

MAX_BYTES = 2048
_SEQUENCE, _SET, _OID, _UTC_TIME, _GENERAL_TIME, _VERSION = 0x30, 0x31, 0x06, 0x17, 0x18, 0xA0
_COMMON_NAME = b"\x55\x04\x03"
_DAYS = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


class Certificate:
    """A certificate taken apart.

    Attributes:
        issuer, subject: common names; `issuer_raw`, `subject_raw` the whole names as bytes.
        start_s, end_s: validity, s since 1970.
        spki: the public key, SPKI DER.
    """

    def __init__(self, data: bytes) -> None:
        """Raises ConfigError (`cert_invalid`)."""
        if len(data) > MAX_BYTES:
            raise ConfigError("cert_invalid", "at most %d bytes" % MAX_BYTES)
        whole = _part(data, 0, _SEQUENCE)
        if whole[1] != len(data):
            raise ConfigError("cert_invalid", "bytes behind it")
        start, end = _part(data, whole[0], _SEQUENCE)
        fields = _parts(data, start, end)
        if fields and data[fields[0][0]] == _VERSION:
            fields.pop(0)
        if len(fields) < 6:
            raise ConfigError("cert_invalid", "fields are missing")
        issuer, validity, subject, spki = fields[2:6]
        self.issuer_raw, self.subject_raw = data[issuer[0] : issuer[2]], data[subject[0] : subject[2]]
        self.issuer, self.subject = _common_name(data, issuer), _common_name(data, subject)
        times = _parts(data, validity[1], validity[2])
        if len(times) != 2:
            raise ConfigError("cert_invalid", "validity")
        self.start_s, self.end_s = [_time_s(data, time) for time in times]
        self.spki = data[spki[0] : spki[2]]


def _part(data: bytes, at: int, tag: int) -> "tuple[int, int]":
    """(start, end) of the contents of the element at `at`. Raises ConfigError."""
    found = _element(data, at, len(data))
    if data[at] != tag:
        raise ConfigError("cert_invalid", "not a certificate in DER")
    return found


def _parts(data: bytes, at: int, end: int) -> "list[tuple[int, int, int]]":
    """(element, contents, end) of each element. Raises ConfigError."""
    found = []
    while at < end:
        start, stop = _element(data, at, end)
        found.append((at, start, stop))
        at = stop
    return found


def _element(data: bytes, at: int, end: int) -> "tuple[int, int]":
    start = at + 2
    if start > end:
        raise ConfigError("cert_invalid", "cut short")
    length = data[at + 1]
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 2 or start + count > end:
            raise ConfigError("cert_invalid", "length")
        length = int.from_bytes(data[start : start + count], "big")
        start += count
    if start + length > end:
        raise ConfigError("cert_invalid", "cut short")
    return start, start + length


def _common_name(data: bytes, name: "tuple[int, int, int]") -> str:
    for _, start, end in _parts(data, name[1], name[2]):
        for _, inner, inner_end in _parts(data, start, end):
            pair = _parts(data, inner, inner_end)
            if len(pair) == 2 and data[pair[0][1] : pair[0][2]] == _COMMON_NAME:
                try:
                    return str(data[pair[1][1] : pair[1][2]], "utf-8")
                except UnicodeError:
                    raise ConfigError("cert_invalid", "name")
    return ""


def _time_s(data: bytes, time: "tuple[int, int, int]") -> int:
    """`YYMMDDhhmmssZ` or `YYYYMMDDhhmmssZ`, in UTC."""
    text = data[time[1] : time[2]]
    if data[time[0]] == _UTC_TIME and len(text) == 13:
        text = (b"19" if text[:2] >= b"50" else b"20") + text
    digits = text[:14]
    if len(text) != 15 or text[14:] != b"Z" or [byte for byte in digits if not 48 <= byte <= 57]:
        raise ConfigError("cert_invalid", "time")
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    if year < 1970 or not 1 <= month <= 12:
        raise ConfigError("cert_invalid", "time")
    before = year - 1
    days = (year - 1970) * 365 + before // 4 - before // 100 + before // 400 - 477 + _DAYS[month - 1] + day - 1
    if month > 2 and (year % 400 == 0 or (year % 4 == 0 and year % 100 != 0)):
        days += 1
    return days * 86400 + int(digits[8:10]) * 3600 + int(digits[10:12]) * 60 + int(digits[12:14])
