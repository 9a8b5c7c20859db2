"""Match beside the grant, never in the claim: required, achieved, behind (FIGURES.md 16 and 18)."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from svd_tracker.money import format_pounds_short, round_half_away
from svd_tracker.periods import fy_of, quarter_of

BEFORE, AFTER = 0, 5  # the columns beside quarters 1 to 4, for events dated outside the year
WHOLE_BP = 10_000


@dataclass(frozen=True)
class MatchStanding:
    """Match beside the grant money of the same work, all pence. ``expected`` is promised less withdrawn."""

    spent: int
    funding: int
    achieved: int
    expected: int

    @property
    def behind(self) -> bool:
        return match_behind(self.spent, self.funding, self.achieved, self.expected)

    @property
    def words(self) -> str:
        """Both shares in words; in pounds where shares would read the same or there is no funding to share."""
        if self.funding > 0 and self.expected > 0:
            spent, come = Fraction(self.spent, self.funding), Fraction(self.achieved, self.expected)
            for decimals in (0, 1):
                shown = _percent(spent, decimals), _percent(come, decimals)
                if shown[0] != shown[1] or spent == come:
                    return f"{shown[0]} of the grant is spent and {shown[1]} of the promised match has come"
        return (
            f"{format_pounds_short(self.spent)} of {format_pounds_short(self.funding)} of grant is spent and "
            f"{format_pounds_short(self.achieved)} of {format_pounds_short(self.expected)} of promised match has come"
        )


def match_behind(spent: int, funding: int, achieved: int, promised_less_withdrawn: int) -> bool:
    """Whether match lags the grant: the share of the funding spent exceeds the share of match achieved.

    All pence, ``funding`` nought or more. Cross-multiplied, so exact. With nothing promised there is nothing to
    be behind with (FIGURES.md 16).
    """
    return promised_less_withdrawn > 0 and spent * promised_less_withdrawn > achieved * funding


def required_match(spent: int, required_bp: int | None, required_pence: int | None) -> int | None:
    """The pence of match that the terms ask for by now, None when they ask for none.

    A share (basis points) of the grant spend to date, rounded once, a half away from nought (FIGURES.md 18), and
    nought while less than nothing is spent; or the year's fixed sum.
    """
    if required_bp is not None:
        return max(0, round_half_away(Fraction(spent * required_bp, WHOLE_BP)))
    return required_pence


def by_quarter(events: Iterable[tuple[dt.date, int]], fy: int) -> Mapping[int, int]:
    """Pence of one stage by the quarter they happened in; BEFORE and AFTER are days outside the financial year."""
    found: dict[int, int] = {}
    for day, pence in events:
        key = quarter_of(day) if fy_of(day) == fy else BEFORE if fy_of(day) < fy else AFTER
        found[key] = found.get(key, 0) + pence
    return found


def _percent(share: Fraction, decimals: int) -> str:
    scale = 10**decimals
    whole, rest = divmod(abs(number := round_half_away(share * 100 * scale)), scale)
    sign = "\N{MINUS SIGN}" if number < 0 else ""
    return f"{sign}{whole:,}.{rest}%" if rest else f"{sign}{whole:,}%"
