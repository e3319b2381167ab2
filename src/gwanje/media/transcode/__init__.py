"""Transcode on request (변환 영상): what a seat's browser cannot decode, as small H.264, while somebody watches it."""
