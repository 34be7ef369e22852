# SPDX-License-Identifier: MIT
"""The VM rig: boots stock distribution kernels with emulated PCI devices."""
