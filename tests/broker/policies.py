# SPDX-License-Identifier: MIT
"""Policies of simulated devices; RUN is the folder of the test."""

DEVICE = "[Device accel]\nbackend = sim\nsize = 64M\n"
QUEUES = """\
[Pool queues]
device = accel
bar = 2
range = 1M+16K
slice = 4K
socket = RUN/queues.sock
mode = 0666
"""
MEMORY = """\
[Slice memory]
device = accel
bar = 0
range = 0+1M
socket = RUN/queues.sock
mode = 0666
"""
ALL = DEVICE + QUEUES + "allow = anyone\n"
BOTH = ALL + MEMORY + "allow = anyone\n"
