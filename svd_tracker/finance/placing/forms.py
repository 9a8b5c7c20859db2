"""The forms of placing: many lines at once, one line, rules, cost sharing."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.placing import (
    WHOLE_BP,
    Rule,
    RuleKind,
    RuleOutcome,
    RulePart,
    RuleTests,
    tests_to_json,
)
from svd_tracker.errors import Refused
from svd_tracker.finance.placing.book import Part
from svd_tracker.finance.placing.line_queries import Places
from svd_tracker.finance.placing.services import When
from svd_tracker.finance.placing.words import LOCAL, TEST_WORDS, funding_choices, match_choices, per_cent, place_of_rule
from svd_tracker.interventions.models import Intervention
from svd_tracker.money import NotMoney, parse_pounds, plain_pounds
from svd_tracker.periods import quarter_label
from svd_tracker.web.forms import (
    CheckboxField,
    Form,
    HiddenField,
    OnceMixin,
    RadiosField,
    SelectField,
    TextAreaField,
    TextField,
    WholeNumberField,
    max_length,
    required,
)

ROWS = 6
_TO_DO = [
    ("place", "Place them to a funding"),
    ("leave_out", "Leave them out"),
    ("carry", "Carry them on: a return is certified without them"),
    ("grant_income", "They are income of the grant"),
    ("match_income", "They are the cash of a match"),
]
_CARRY_HINT = "The certifier reads the reason, and it prints in the sealed workbook: name no people."
_LATE = "Needed for an earlier quarter, for what the grant does not pay, and to move a line that is placed already."


class QueueForm(OnceMixin, Form):
    """What to do with the lines chosen in the queue."""

    do = RadiosField(
        "What to do with the chosen lines",
        [required("Choose what to do with the chosen lines")],
        choices=_TO_DO,
    )
    to = SelectField("Funding", description="Match shares the cost where the plan line says so.")
    reason = TextField("Why are they left out?", [max_length(250)])
    past = SelectField("Return that goes on without them")
    carry_reason = TextField("Why are they carried on?", [max_length(250)], description=_CARRY_HINT)
    match = SelectField("Match")

    def offer(self, places: Places, quarters: Iterable[When]) -> None:
        self.to.choices = [("", "Choose"), *funding_choices(places)]
        matches = match_choices(places)
        self.past.choices = [("", "Choose"), *_quarters(quarters)]
        if matches:
            self.match.choices = [("", "Choose"), *matches]
        elif "match" in self:
            del self.match
            self.do.choices = [(value, words) for value, words in _TO_DO if value != "match_income"]


class LineForm(OnceMixin, Form):
    """Where one line goes. Its parts are read from the rows ``place-0``/``pence-0`` and on."""

    seq = HiddenField()
    do = RadiosField("What is it?", [required("Choose what it is")])
    when = SelectField("Quarter it counts in", description="An earlier one only for a late item, with a reason.")
    match = SelectField("Match")
    past = SelectField("Return that goes on without it", description=_CARRY_HINT)
    not_eligible = CheckboxField("The grant does not pay for this: show it as locally funded, and say why below")
    reason = TextField("Reason", [max_length(250)])

    def offer(self, places: Places, quarters: Sequence[When], past: Iterable[When], waits: bool) -> None:
        """``waits``: the line is in the queue, so that it can be carried on and needs no reason to be placed."""
        matches = match_choices(places)
        choices = [
            ("place", "A cost: place it"),
            ("leave_out", "None of the grant's: leave it out, with a reason"),
            ("grant_income", "Income of the grant"),
        ]
        if matches:
            choices.append(("match_income", "The cash of a match"))
            self.match.choices = [("", "Choose"), *matches]
        else:
            del self.match
        if waits:
            choices.append(("carry", "Not settled yet: carry it on, with a reason"))
            self.past.choices = [("", "Choose"), *_quarters(past)]
        else:
            del self.past
        self.do.choices = choices
        self.when.choices = [*_quarters(quarters)]
        self.reason.description = _LATE
        self.parts_choices = [("", "Choose"), *funding_choices(places), *matches, (LOCAL, "Local money")]

    def counts_in(self) -> When | None:
        return _when(self.when.data)

    def rules(self, parts: Sequence[Part]) -> bool | None:
        """What is said of the eligibility of a line that stands in these parts; None when nothing new."""
        if self.not_eligible.data:
            return True
        return False if paid_for_nothing(parts) else None


class _Rows:
    """Rows of a place and what goes there, as they were typed."""

    def __init__(self, typed: Sequence[tuple[str, str]]) -> None:
        self.rows = [*typed, *([("", "")] * (ROWS - len(typed)))]
        self.errors: dict[int, str] = {}
        self.error = ""  # of all together

    @property
    def shown(self) -> int:
        """How many rows stand open: those that say something and one more, two at least."""
        said = [number for number, row in enumerate(self.rows, start=1) if any(row)]
        return min(ROWS, max(2, max(said, default=0) + 1))


class PartsRows(_Rows):
    """The rows of a split by hand: where, and how much. One amount may be left empty."""

    @classmethod
    def sent(cls, form: Any) -> "PartsRows":
        return cls([(form.get(f"place-{n}", "").strip(), form.get(f"pence-{n}", "").strip()) for n in range(ROWS)])

    @classmethod
    def standing(cls, parts: Sequence[Part]) -> "PartsRows":
        return cls([(place_key(part), plain_pounds(part.pence)) for part in parts][:ROWS])

    def parts(self, whole: int, offered: Iterable[str]) -> list[Part]:
        """The parts in pence; the one row without an amount gets what the others leave of ``whole``. Raises Refused."""
        allowed = set(offered)
        found: list[tuple[str, int | None]] = []
        for number, (place, pence) in enumerate(self.rows):
            if not place and not pence:
                continue
            if place not in allowed or not place:
                self.errors[number] = "Choose where this part goes"
                continue
            try:
                found.append((place, parse_pounds(pence) if pence else None))
            except NotMoney as error:
                self.errors[number] = str(error)
        if self.errors:
            raise Refused(next(iter(self.errors.values())), field="parts")
        if sum(pence is None for _, pence in found) > 1:
            raise Refused("Leave the amount of one part empty at most: it gets what is left", field="parts")
        left = whole - sum(pence or 0 for _, pence in found)
        return [_part(place, left if pence is None else pence) for place, pence in found]


class PutBackForm(OnceMixin, Form):
    seq = HiddenField()
    reason = TextAreaField("Reason", [required("Say why the line is put back")], max_chars=250)


class DropForm(OnceMixin, Form):
    reason = TextAreaField("Why will no invoice come?", [required("Say why no invoice will come")], max_chars=1000)


class SettleForm(OnceMixin, Form):
    seq = HiddenField()
    same = RadiosField(
        "Is the line what was typed?",
        [required("Choose one")],
        choices=[
            ("yes", "It is this one: the line counts, and the typed entry gives way"),
            ("no", "It is another cost: both count"),
        ],
    )


class OnceForm(OnceMixin, Form):
    pass


class RuleForm(OnceMixin, Form):
    """A rule. Its parts are read from the rows ``place-0``/``share-0`` and on; ``tried`` is what was tried last."""

    tried = HiddenField()
    title = TextField("Name", [required("Enter a name, like Specialist nurse, pay"), max_length(250)])
    priority = WholeNumberField(
        "Priority",
        [required("Enter a whole number")],
        description="The lowest is asked first, and the first that fits places the line.",
    )
    cost_centre = TextField("Cost centre", [max_length(250)])
    account = TextField("Account", [max_length(250)])
    project = TextField("Project code", [max_length(250)])
    supplier = TextField("Supplier has", [max_length(250)])
    text = TextField("Description has", [max_length(250)])
    kind = RadiosField(
        "What becomes of these lines?",
        [required("Choose what becomes of these lines")],
        choices=[
            (RuleKind.PLACED.value, "They are placed"),
            (RuleKind.LEFT_OUT.value, "They are left out, with a reason"),
            (RuleKind.GRANT_INCOME.value, "They are income of the grant"),
            (RuleKind.MATCH_INCOME.value, "They are income of match"),
        ],
        default=RuleKind.PLACED.value,
    )
    by = RadiosField(
        "A line of several parts is split",
        choices=[("parts", "By parts, like 1 and 2"), ("per_cent", "By per cent that come to 100")],
        default="parts",
    )
    year = RadiosField(
        "Which year do they count in?",
        choices=[
            ("own", "The year that the ledger has them in"),
            ("old", "The year before, in its quarter 4, with a reason: invoices of March that come in April"),
        ],
        default="own",
    )
    reason = TextField("Reason", [max_length(250)], description="To leave lines out, or to count them in the old year.")

    def offer(
        self, interventions: Iterable[Intervention], shut: Iterable[int], funded: Collection[tuple[int, Category]]
    ) -> None:
        """``funded``: the (intervention id, category) that the holder has a funding of: they come first."""
        hidden = set(shut)
        pairs = [(each, category) for each in interventions if each.id not in hidden for category in Category]
        pairs.sort(key=lambda pair: (pair[0].id, pair[1]) not in funded)
        self.places_choices = [
            ("", "Choose"),
            *(
                (
                    f"{each.id}:{category.value}",
                    f"{each.title} ({each.ref}), {category.label.lower()}{_unless((each.id, category) in funded)}",
                )
                for each, category in pairs
            ),
            (LOCAL, "Local money"),
        ]

    def tests(self) -> RuleTests:
        return RuleTests(**{name: self[name].data or "" for name in TEST_WORDS})

    def outcome(self, rows: "ShareRows") -> RuleOutcome:
        """Raises Refused where the parts are not right."""
        kind = RuleKind(self.kind.data)
        placed = kind is RuleKind.PLACED
        return RuleOutcome(
            kind,
            rows.parts((value for value, _ in self.places_choices), self.by.data == "per_cent") if placed else (),
            self.reason.data or "",
            placed and self.year.data == "old",
        )

    def fill(self, rule: Rule) -> None:
        """Show a rule as it is now."""
        for name in TEST_WORDS:
            self[name].data = getattr(rule.tests, name)
        outcome = rule.outcome
        self.title.data, self.priority.data, self.kind.data = rule.title, rule.priority, outcome.kind.value
        self.reason.data, self.year.data = outcome.reason, "old" if outcome.old_year else "own"
        self.by.data = "per_cent" if _by_per_cent(outcome) else "parts"

    def digest(self) -> str:
        """What was tried: the tests as they stand in the form."""
        return tests_to_json(self.tests())


class ShareRows(_Rows):
    """The rows of a rule's parts: where, and which share."""

    @classmethod
    def sent(cls, form: Any) -> "ShareRows":
        return cls([(form.get(f"place-{n}", "").strip(), form.get(f"share-{n}", "").strip()) for n in range(ROWS)])

    @classmethod
    def standing(cls, outcome: RuleOutcome) -> "ShareRows":
        as_bp = _by_per_cent(outcome)
        return cls(
            [
                (
                    f"{part.intervention_id}:{part.category.value}" if part.category else LOCAL,
                    "" if len(outcome.parts) == 1 else per_cent(part.weight) if as_bp else str(part.weight),
                )
                for part in outcome.parts
            ][:ROWS]
        )

    def parts(self, offered: Iterable[str], by_per_cent: bool) -> tuple[RulePart, ...]:
        """A share left empty is one part. Per cents have two decimals at most and come to 100. Raises Refused."""
        allowed = set(offered)
        given = [(number, *row) for number, row in enumerate(self.rows) if any(row)]
        found = []
        for number, place, share in given:
            if not place or place not in allowed:
                self.errors[number] = "Choose where this part goes"
                continue
            weight = _weight(share, by_per_cent and len(given) > 1)
            if weight is None:
                self.errors[number] = (
                    "Enter a per cent above nought, like 33.33"
                    if by_per_cent
                    else "Enter a whole number above nought, like 2"
                )
                continue
            found.append(RulePart(*place_of_rule(place), weight))
        if self.errors:
            raise Refused(next(iter(self.errors.values())), field="parts")
        if by_per_cent and len(found) > 1 and sum(part.weight for part in found) != WHOLE_BP:
            total = per_cent(sum(part.weight for part in found))
            raise Refused(f"The per cents come to {total}: make them come to 100", field="parts")
        return tuple(found)


def paid_for_nothing(parts: Sequence[Part]) -> bool:
    """Whether the grant pays for nothing of what a line put to its fundings."""
    funded = [part for part in parts if part.funding_id is not None]
    return bool(funded) and not any(part.eligible for part in funded)


def place_of(value: str | None) -> tuple[int | None, int | None]:
    """ "F12" → (12, None) a funding, "M7" → (None, 7) a match, anything else (None, None)."""
    if value and value[0] == "F":
        return int(value[1:]), None
    if value and value[0] == "M":
        return None, int(value[1:])
    return None, None


def _part(place: str, pence: int) -> Part:
    funding_id, match_id = place_of(place)
    return Part(pence, funding_id, match_id)


def place_key(part: Part) -> str:
    """The choice that a part stands for."""
    return f"F{part.funding_id}" if part.funding_id else f"M{part.match_id}" if part.match_id else LOCAL


def _quarters(quarters: Iterable[When]) -> list[tuple[str, str]]:
    return [(f"{each.fy * 10 + each.quarter}", quarter_label(each.fy, each.quarter)) for each in quarters]


def _when(value: str | None) -> When | None:
    return When(int(value) // 10, int(value) % 10) if value else None


def past_of(form: Any) -> When | None:
    """The return that goes on without the lines, where one was chosen."""
    return _when(form.past.data) if "past" in form else None


def _unless(funded: bool) -> str:
    return "" if funded else " – no funding yet"


def _by_per_cent(outcome: RuleOutcome) -> bool:
    return len(outcome.parts) > 1 and sum(part.weight for part in outcome.parts) == WHOLE_BP


def _weight(share: str, by_per_cent: bool) -> int | None:
    if not share:
        return 1 if not by_per_cent else None
    if by_per_cent:
        try:
            bp = parse_pounds(share.rstrip("% "))
        except NotMoney:
            return None
        return bp if 0 < bp <= WHOLE_BP else None
    return int(share) if share.isascii() and share.isdigit() and 0 < int(share) <= WHOLE_BP else None
