"""What custodians do and leave behind: release, receipts and their audit, rotation, erasure."""
