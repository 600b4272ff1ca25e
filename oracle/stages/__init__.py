"""The seven steps from a device's readings to a posted report.

``ingest → verify → features → model → explain → sign → post``: value in, value
out; none imports another. Use cases (:mod:`oracle.batches.publish`,
:mod:`oracle.reports.predict`) join them.
"""
