"""ONVIF client (ONVIF 접속): a thin one of our own; every answer is data, bounded and judged, never trusted."""
