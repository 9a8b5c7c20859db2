"""Money in whole pence. Pounds exist only at the edges: form fields, cells, sentences.

DESIGN.md rule 1: a sum of money is an ``int`` of pence from the form to the cell, and a split
adds back to the penny (largest remainder).
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

MINUS = "\N{MINUS SIGN}"
NON_BREAKING_SPACE = "\N{NO-BREAK SPACE}"

_POUNDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{1,2})?|[0-9]+(?:\.[0-9]{1,2})?|\.[0-9]{2}")
LARGEST_PENCE = 10**13  # £100 billion: more than any grant, less than what a spreadsheet cell holds exactly


class NotMoney(ValueError):
    """The text is not an amount of money. ``str(error)`` says what to do, for the person who typed it."""


def parse_pounds(text: str) -> int:
    """Read pounds as people type them and return pence.

    Takes "1,250", "£1,250.00", "-120.50", "(120.50)", with spaces around. Raises NotMoney for text,
    for thousands in the wrong place ("1,25.00"), for more than two decimals and for sums past £100 billion.
    """
    cleaned = text.replace(NON_BREAKING_SPACE, " ").strip().replace(MINUS, "-")
    negative = False
    if cleaned.startswith("(") and cleaned.endswith(")"):
        negative, cleaned = True, cleaned[1:-1].strip()
    if cleaned.startswith("-"):
        if negative:
            raise NotMoney("Enter the amount with a minus sign or in brackets, not both")
        negative, cleaned = True, cleaned[1:].strip()
    cleaned = cleaned.removeprefix("£").strip()
    if cleaned.startswith("-") and not negative:
        negative, cleaned = True, cleaned[1:].strip()
    if re.fullmatch(r"[0-9,]*\.[0-9]{3,}", cleaned):
        raise NotMoney("Enter an amount with no more than two figures for the pence, like 1,250.00")
    if not _POUNDS.fullmatch(cleaned):
        raise NotMoney("Enter an amount in pounds, like 1,250.00")
    pence = int(Decimal(cleaned.replace(",", "")) * 100)
    if pence > LARGEST_PENCE:
        raise NotMoney("Enter a smaller amount: this is more than £100 billion")
    return -pence if negative else pence


def format_pounds(pence: int) -> str:
    """Pence as it stands in tables: £12,040.10, and −£120.00 for a negative."""
    sign = MINUS if pence < 0 else ""
    pounds, rest = divmod(abs(pence), 100)
    return f"{sign}£{pounds:,}.{rest:02d}"


def format_pounds_short(pence: int) -> str:
    """Pence as it stands in sentences: £12,040 when there are no odd pence, else as format_pounds."""
    text = format_pounds(pence)
    return text.removesuffix(".00")


def plain_pounds(pence: int) -> str:
    """Pence as a person would type it back into a field, and as CSV wants it: 12040.10, -120.00."""
    sign = "-" if pence < 0 else ""
    pounds, rest = divmod(abs(pence), 100)
    return f"{sign}{pounds}.{rest:02d}"


def to_decimal_pounds(pence: int) -> Decimal:
    """Pence as exact pounds, for a workbook cell."""
    return Decimal(pence) / 100


def round_half_away(value: Fraction) -> int:
    """Round to a whole number, a half away from nought (FIGURES.md 18)."""
    doubled = abs(value) * 2
    whole = (doubled.numerator // doubled.denominator + 1) // 2
    return -whole if value < 0 else whole


def share_out(total: int, weights: Sequence[int]) -> list[int]:
    """Share whole pence over weights so that the parts add back to the penny (largest remainder).

    ``weights`` are whole numbers of nought or more, in the order of their refs: equal remainders give the
    spare penny to the first (FIGURES.md 8). A negative total is shared as its positive, signs turned.
    Raises ValueError when there is something to share and no weight above nought.
    """
    if any(weight < 0 for weight in weights):
        raise ValueError("weights must be nought or more")
    if total < 0:
        return [-part for part in share_out(-total, weights)]
    if total == 0:
        return [0] * len(weights)
    whole = sum(weights)
    if whole == 0:
        raise ValueError("nothing to share by: every weight is nought")
    parts = [total * weight // whole for weight in weights]
    spare = total - sum(parts)
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in by_remainder[:spare]:
        parts[index] += 1
    return parts
