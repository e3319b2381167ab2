"""Inspection of cameras (영상정보처리기기의 점검): journal of form 1, monthly closing, contractor's tickets."""
