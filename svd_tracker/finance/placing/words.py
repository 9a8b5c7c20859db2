"""What pages and files say of rules, of where lines wait, and of the places they can go."""

from collections.abc import Collection, Mapping

from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.placing import WHOLE_BP, RuleKind, RuleOutcome, RulePart, RuleTests
from svd_tracker.finance.intake.models import Outcome, WhyWaiting
from svd_tracker.finance.placing.line_queries import Places
from svd_tracker.periods import fy_label

LOCAL = "local"
NOT_SHOWN = "not shown: you declared an interest"
WHY_WORDS: Mapping[WhyWaiting, str] = {
    WhyWaiting.NO_RULE: "No rule places it",
    WhyWaiting.NO_FUNDING: "There is no funding for it",
    WhyWaiting.LIKE_AN_ENTRY: "It looks like an entry typed here",
    WhyWaiting.OLD_YEAR: "It seems to belong to the old year",
    WhyWaiting.LIKE_A_LINE: "It looks like a line that is here already",
    WhyWaiting.PUT_BACK: "Put back",
}
OUTCOME_WORDS: Mapping[Outcome, str] = {
    Outcome.PLACED: "Placed",
    Outcome.LEFT_OUT: "Left out",
    Outcome.GRANT_INCOME: "Income of the grant",
    Outcome.MATCH_INCOME: "Income of match",
    Outcome.CARRIED: "Carried on",
    Outcome.WAITING: "Waits",
}
TEST_WORDS = {
    "cost_centre": "cost centre",
    "account": "account",
    "project": "project code",
    "supplier": "supplier",
    "text": "description",
}
_KIND_WORDS = {
    RuleKind.LEFT_OUT: "Left out",
    RuleKind.GRANT_INCOME: "Income of the grant",
    RuleKind.MATCH_INCOME: "Income of match",
}


def tests_in_words(tests: RuleTests) -> str:
    """ "Cost centre is C100 or C2*, and supplier has harbour"."""
    said = []
    for name, words in TEST_WORDS.items():
        listed = [each.strip() for each in getattr(tests, name).split(",") if each.strip()]
        if listed:
            said.append(f"{words} {'has' if name in ('supplier', 'text') else 'is'} {' or '.join(listed)}")
    joined = ", and ".join(said)
    return joined[:1].upper() + joined[1:]


def outcome_in_words(outcome: RuleOutcome, titles: Mapping[int, str], shut: Collection[int] = ()) -> str:
    """ "Specialist nurse, labour 60% and local money 40%". ``shut`` are the interventions not to be named."""
    if outcome.kind is not RuleKind.PLACED:
        words = _KIND_WORDS[outcome.kind]
        return f"{words}: {outcome.reason}" if outcome.reason else words
    whole = sum(part.weight for part in outcome.parts)
    said = [
        f"{_place(part, titles, shut)}{f' {_share(part.weight, whole)}' if len(outcome.parts) > 1 else ''}"
        for part in outcome.parts
    ]
    words = " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 2 else said)
    return f"{words}; to quarter 4 of the year before: {outcome.reason}" if outcome.old_year else words


def _place(part: RulePart, titles: Mapping[int, str], shut: Collection[int]) -> str:
    if part.intervention_id is None or part.category is None:
        return "Local money"
    if part.intervention_id in shut:
        return NOT_SHOWN
    return f"{titles.get(part.intervention_id, 'An intervention')}, {part.category.label.lower()}"


def _share(weight: int, whole: int) -> str:
    if whole == WHOLE_BP:
        return f"{per_cent(weight)}%"
    return f"{weight} of {whole} parts"


def per_cent(bp: int) -> str:
    """3333 → "33.33", 5000 → "50"."""
    return f"{bp / 100:.2f}".rstrip("0").rstrip(".")


def funding_choices(places: Places) -> list[tuple[str, str]]:
    """The fundings of the years, as choices: "F12" and its words. A line of April may have the old year's alone."""
    return [
        (f"F{each.id}", f"{each.title}, {each.category.label.lower()} ({each.ref}), {fy_label(each.fy)}")
        for each in places.fundings
    ]


def match_choices(places: Places) -> list[tuple[str, str]]:
    """The matches in cash of the years, as choices: "M7" and its words."""
    several = len({fy for fy, _ in places.matches}) > 1
    return [
        (
            f"M{each.match_id}",
            f"{each.organisation}, {each.title}, for {each.plan_line_title}{_of(fy) if several else ''}",
        )
        for fy, each in places.matches
    ]


def place_of_rule(value: str) -> tuple[int | None, Category | None]:
    """What a choice of a rule's place means: "12:labour" → (12, labour), "local" → (None, None)."""
    if value == LOCAL:
        return None, None
    intervention_id, _, category = value.partition(":")
    return int(intervention_id), Category(category)


def _of(fy: int) -> str:
    return f", {fy_label(fy)}"
