"""Counts what agrees, and shows what does not as a diff."""

import difflib
import json


class Difference(Exception):
    """What ours says is not what the specification says."""


class Comparison:
    """The checks so far."""

    def __init__(self):
        self.passed = 0

    def equal(self, what, expected, actual):
        """`expected` is the probe's own; raises `Difference` with a diff."""
        if expected != actual:
            raise Difference(f"{what} differs\n{diff(expected, actual)}")
        self.passed += 1

    def true(self, what, holds):
        """For what has no two sides to compare, such as a signature."""
        if not holds:
            raise Difference(f"{what}: does not hold")
        self.passed += 1


def diff(expected, actual):
    """Line by line, the probe's side first."""
    sides = [shown(expected).splitlines(), shown(actual).splitlines()]
    return "\n".join(difflib.unified_diff(*sides, "probe", "starling", lineterm="", n=99))


def shown(value):
    """Bytes as hexadecimal digits, 16 in a line."""
    if isinstance(value, bytes):
        return "\n".join(value[start : start + 16].hex() for start in range(0, len(value), 16))
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=plain)


def plain(value):
    """What JSON has no form for: sets and bytes within other values."""
    return value.hex() if isinstance(value, bytes) else sorted(value)
