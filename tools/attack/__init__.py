"""Attacks (공격 시험): each module is `./dev attack NAME`; counts, a control that must succeed, JSON."""
