"""The evidence: what proves that a PC said this, in this order, and that nothing was changed or removed since."""
