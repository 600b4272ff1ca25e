"""The real node, custodian and edge code under a virtual clock, a simulated chain and every kind of bad luck.

The same seed gives the same run. ``python -m tests.simulation 1000`` plays a thousand seeds.
"""
