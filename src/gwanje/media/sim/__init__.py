"""Simulated cameras (모의 카메라): synthetic streets with a burnt-in frame counter, served over RTSP."""
