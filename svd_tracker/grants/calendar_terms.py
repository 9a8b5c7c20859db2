"""When an agreement's returns are made: how often, what closes the year, and the days of each."""

from dataclasses import dataclass

from svd_tracker.errors import Refused
from svd_tracker.grants.models import Frequency, YearEnd


@dataclass(frozen=True)
class CalendarTerms:
    """The calendar of returns in an agreement's terms, beside the days of the draft and of the return.

    All are working days after a period's end: by when a return is certified (None: when it is due), and when the
    OPCC's own is due at the funder (None: the agreement names no such day). Those of a provisional and a final return
    count from the year's end, before it when negative; a final without its own has those of the other returns.
    """

    frequency: Frequency = Frequency.QUARTERLY
    year_end: YearEnd = YearEnd.IN_YEAR
    certify_working_days: int | None = None
    area_due_working_days: int | None = None
    provisional_draft_working_days: int | None = None
    provisional_due_working_days: int | None = None
    final_draft_working_days: int | None = None
    final_due_working_days: int | None = None

    def refuse_wrong(self, draft: int, due: int) -> None:
        """Raise Refused where a date does not follow the one before it, or a year's end lacks its days."""
        if draft > due:
            raise Refused("The draft must come before the return is due", field="draft_working_days")
        if self.certify_working_days is not None and not draft <= self.certify_working_days <= due:
            words = "Enter a number between the days of the draft and those of the return"
            raise Refused(words, field="certify_working_days")
        if self.area_due_working_days is not None and self.area_due_working_days < due:
            words = "The partnerships' returns must come before the OPCC's own"
            raise Refused(words, field="area_due_working_days")
        provisional = (self.provisional_draft_working_days, self.provisional_due_working_days)
        final = (self.final_draft_working_days, self.final_due_working_days)
        self._refuse_pair("provisional", provisional, self.year_end is YearEnd.PROVISIONAL_FINAL)
        self._refuse_pair("final", final, self.year_end is not YearEnd.IN_YEAR)
        if self.year_end is YearEnd.PROVISIONAL_FINAL and None in provisional:
            words = "Enter the working days of the provisional return"
            raise Refused(words, field="provisional_draft_working_days")

    @staticmethod
    def _refuse_pair(name: str, days: tuple[int | None, int | None], asked: bool) -> None:
        draft, due = days
        if (draft, due) == (None, None):
            return
        if not asked:
            raise Refused(f"Leave this blank: the year has no {name} return", field=f"{name}_draft_working_days")
        if draft is None or due is None:
            missing = "draft" if draft is None else "due"
            raise Refused("Enter both of the days, or neither", field=f"{name}_{missing}_working_days")
        if draft > due:
            raise Refused("The draft must come before the return is due", field=f"{name}_draft_working_days")


QUARTERLY = CalendarTerms()
