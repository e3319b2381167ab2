"""National standard camera list (전국CCTV표준데이터): recognise, read, repair, refuse, write. Pure, no database."""

from gwanje.centre.cameras.national.columns import Place
from gwanje.centre.cameras.national.read import Accepted, Refused, Report, read
from gwanje.centre.cameras.national.recognise import NotACameraList
from gwanje.centre.cameras.national.write import NotWritable, write

__all__ = ["Accepted", "NotACameraList", "NotWritable", "Place", "Refused", "Report", "read", "write"]
