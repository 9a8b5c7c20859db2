"""How a round is scored, as data. Everything here is refused once the first score has frozen the scheme."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace

from sqlalchemy import delete, select
from sqlalchemy.orm.attributes import flag_modified

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.rounds import queries
from svd_tracker.rounds.models import Band, Criterion, Round, RoundState, ScalePoint, Scheme, SchemeCheck, TieRule

GATE_POINTS = ((0, "Fail"), (100, "Pass"))
MOST_SCORERS = 100
HEAVIEST = 1_000_00  # hundredths: more than any scheme needs, and sums stay small


@dataclass(frozen=True)
class CriterionContent:
    """What is judged. ``points`` are (mark in hundredths, words); a gate gets its own two and has no weight.

    One with a scale and a weight of nought is advice: asked and shown, not counted. ``counts_double`` holds in the
    second stage (FIGURES.md 26).
    """

    ref: str
    name: str
    guidance: str = ""
    weight_hundredths: int = 0
    minimum_hundredths: int | None = None
    is_gate: bool = False
    points: tuple[tuple[int, str], ...] = ()
    counts_double: bool = False


@dataclass(frozen=True)
class CheckContent:
    """What a proposal, or the organisation behind it, must meet to be scored at all."""

    name: str
    guidance: str = ""
    of_organisation: bool = False


USUAL_CHECKS = (
    CheckContent("Eligible cost", "Everything asked for may be paid from this grant."),
    CheckContent("Safeguarding", "A safeguarding policy is in force, and somebody answers for it.", True),
    CheckContent("Insurance", "Public and employer's liability insurance cover the work.", True),
    CheckContent("Data protection", "Personal data is kept, shared and deleted as the law asks.", True),
    CheckContent("Equality impact", "Who may gain or lose by it was thought about and written down."),
    CheckContent("Not double funded", "No other grant or budget already pays for the same thing."),
)


@dataclass(frozen=True)
class SchemeSettings:
    """What holds for the whole scheme. Shares in basis points; ``bands`` are (where it begins, label)."""

    overall_minimum_bp: int | None = None
    reasons_required: bool = True
    first_stage_bp: int | None = None
    tie_rule: TieRule = TieRule.SHARED
    tie_criterion_ref: str | None = None
    least_scorers: int = 1
    bands: tuple[tuple[int, str], ...] = ()


def settings_of(scheme: Scheme) -> SchemeSettings:
    """What holds for a scheme as plain values: to copy it, to compare it."""
    return SchemeSettings(
        overall_minimum_bp=scheme.overall_minimum_bp,
        reasons_required=scheme.reasons_required,
        first_stage_bp=scheme.first_stage_bp,
        tie_rule=scheme.tie_rule,
        tie_criterion_ref=scheme.tie_criterion_ref,
        least_scorers=scheme.least_scorers,
        bands=tuple((each.from_bp, each.label) for each in scheme.bands),
    )


def checks_of(scheme: Scheme) -> tuple[CheckContent, ...]:
    return tuple(CheckContent(each.name, each.guidance, each.of_organisation) for each in scheme.checks)


def content_of(criterion: Criterion) -> CriterionContent:
    """A criterion as plain values: to copy it, to compare it."""
    return CriterionContent(
        ref=criterion.ref,
        name=criterion.name,
        guidance=criterion.guidance,
        weight_hundredths=criterion.weight_hundredths,
        minimum_hundredths=criterion.minimum_hundredths,
        is_gate=criterion.is_gate,
        points=tuple((point.hundredths, point.words) for point in criterion.points),
        counts_double=criterion.counts_double,
    )


def save_scheme(
    round_: Round,
    act: Act,
    *,
    overall_minimum_bp: int | None,
    reasons_required: bool = True,
    criteria: Sequence[CriterionContent] | None = None,
    row_version: int | None = None,
) -> None:
    """Save the minimum and, when ``criteria`` is given, all criteria in their order; the other settings stand.

    ``overall_minimum_bp``: the least share of the weight, in basis points. Raises ChangedMeanwhile and Refused.
    """
    scheme = _changeable(round_, row_version)
    _put_settings(
        scheme,
        replace(settings_of(scheme), overall_minimum_bp=overall_minimum_bp, reasons_required=reasons_required),
    )
    if criteria is not None:
        _put_criteria(scheme, criteria)
    _record(round_, act, "save_scheme", {"overall_minimum_bp": overall_minimum_bp, "criteria": _refs(scheme)})


def save_settings(round_: Round, act: Act, settings: SchemeSettings, *, row_version: int | None = None) -> None:
    """Save what holds for the whole scheme. Raises ChangedMeanwhile, and Refused at the field."""
    scheme = _changeable(round_, row_version)
    refs = _refs(scheme)
    if settings.tie_rule is TieRule.CRITERION and settings.tie_criterion_ref not in refs:
        raise Refused("Choose the criterion that decides between equal results", field="tie_criterion_ref")
    _put_settings(scheme, settings)
    _record(round_, act, "save_scheme", {**asdict(settings), "criteria": refs})


def save_checks(round_: Round, act: Act, checks: Sequence[CheckContent], *, row_version: int | None = None) -> None:
    """Save all checks in their order, each known by its name. Raises ChangedMeanwhile, and Refused for taking away

    one that was answered.
    """
    scheme = _changeable(round_, row_version)
    names = [each.name.strip() for each in checks]
    if not all(names):
        raise Refused("Enter what is checked", field="checks")
    if len(set(names)) != len(names):
        raise Refused("Two checks have the same name", field="checks")
    _put_checks(scheme, checks)
    _record(round_, act, "save_checks", {"checks": names})


_removing_checks: list[Callable[[Collection[int]], None]] = []


def before_removing_checks(listener: Callable[[Collection[int]], None]) -> Callable[[Collection[int]], None]:
    """Lets a higher feature keep checks that it needs: called with the ids of those to go, raises Refused."""
    if listener not in _removing_checks:
        _removing_checks.append(listener)
    return listener


def save_criterion(
    round_: Round,
    act: Act,
    content: CriterionContent,
    *,
    criterion: Criterion | None = None,
    position: int | None = None,
    row_version: int | None = None,
) -> Criterion:
    """Add a criterion, or change ``criterion``. Without a position a new one goes last. Raises Refused at the field."""
    scheme = _changeable(round_, row_version)
    standing = [each for each in queries.criteria_of(scheme) if criterion is None or each.id != criterion.id]
    if any(each.ref == content.ref for each in standing):
        raise Refused(f'Another criterion is called "{content.ref}" already', field="ref")
    place = len(standing) if position is None else max(0, min(position - 1, len(standing)))
    if criterion is not None and scheme.tie_criterion_ref == criterion.ref:
        scheme.tie_criterion_ref = content.ref
    changed = criterion or Criterion(scheme_id=scheme.id)
    _put(scheme, changed, content, place + 1)
    standing.insert(place, changed)
    for number, each in enumerate(standing, start=1):
        each.position = number
    _record(
        round_,
        act,
        "save_criterion",
        {
            "ref": content.ref,
            "name": content.name,
            "weight_hundredths": changed.weight_hundredths,
            "minimum_hundredths": changed.minimum_hundredths,
            "is_gate": content.is_gate,
            "counts_double": changed.counts_double,
            "points": [list(point) for point in (GATE_POINTS if content.is_gate else content.points)],
        },
    )
    return changed


def remove_criterion(round_: Round, criterion: Criterion, act: Act) -> None:
    scheme = _changeable(round_, None)
    ref = criterion.ref
    if scheme.tie_criterion_ref == ref:
        raise Refused("This criterion decides between equal results: choose another tie rule first")
    db.session.delete(criterion)
    db.session.flush()
    for number, each in enumerate(queries.criteria_of(scheme), start=1):
        each.position = number
    _record(round_, act, "remove_criterion", {"ref": ref})


def copy_scheme(from_round: Round, round_: Round, act: Act) -> None:
    """Take over another round's whole scheme in place of what is there. Raises Refused for one of another area."""
    if from_round.area_id != round_.area_id or from_round.id == round_.id:
        raise Refused("Choose another round of this area", field="from_round_id")
    scheme, source = _changeable(round_, None), from_round.scheme
    contents = [content_of(each) for each in queries.criteria_of(source)]
    if not contents:
        raise Refused(f"{from_round.name} has no criteria to copy", field="from_round_id")
    _put_settings(scheme, settings_of(source))
    _put_criteria(scheme, contents)
    _put_checks(scheme, checks_of(source))
    _record(round_, act, "copy_scheme", {"from": from_round.ref, "criteria": _refs(scheme)})


def freeze_scheme(scheme: Scheme, act: Act) -> None:
    """From the first saved score on, the database refuses every change of the scheme. Part of the caller's verb."""
    if scheme.frozen_at is not None:
        return
    _lock(scheme.id)
    if scheme.frozen_at is None:
        scheme.frozen_at = act.at
        db.session.flush()


def _lock(scheme_id: int) -> Scheme:
    db.session.flush()
    query = select(Scheme).where(Scheme.id == scheme_id).with_for_update()
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def _changeable(round_: Round, row_version: int | None) -> Scheme:
    scheme = _lock(round_.scheme_id)
    if scheme.frozen_at is not None:
        raise Refused("A score has been saved, so this scheme no longer changes")
    if round_.state in (RoundState.DECIDING, RoundState.PUBLISHED):
        raise Refused("Scoring is over, so this scheme no longer changes")
    if row_version is not None and scheme.row_version != row_version:
        raise ChangedMeanwhile("Somebody else changed this scheme since you opened the page.")
    flag_modified(scheme, "name")  # a change of any criterion counts as a change of the scheme
    return scheme


def _put_settings(scheme: Scheme, settings: SchemeSettings) -> None:
    for name in ("overall_minimum_bp", "first_stage_bp"):
        share = getattr(settings, name)
        if share is not None and not 0 <= share <= 10_000:
            raise Refused("Enter a percentage between 0 and 100", field=name.removesuffix("_bp"))
    if not 1 <= settings.least_scorers <= MOST_SCORERS:
        raise Refused(f"Enter a number between 1 and {MOST_SCORERS}", field="least_scorers")
    starts = [start for start, _ in settings.bands]
    if len(set(starts)) != len(starts):
        raise Refused("Two bands begin at the same result", field="bands")
    if not all(0 <= start <= 10_000 and label.strip() for start, label in settings.bands):
        raise Refused("Give each band a name and where it begins, between 0 and 100", field="bands")
    for name in ("overall_minimum_bp", "reasons_required", "first_stage_bp", "tie_rule", "least_scorers"):
        setattr(scheme, name, getattr(settings, name))
    scheme.tie_criterion_ref = settings.tie_criterion_ref if settings.tie_rule is TieRule.CRITERION else None
    wanted = {start: label.strip() for start, label in settings.bands}
    if wanted != {each.from_bp: each.label for each in scheme.bands}:
        scheme.bands.clear()
        db.session.flush()
        scheme.bands.extend(Band(from_bp=start, label=label) for start, label in sorted(wanted.items()))
    db.session.flush()


def _put_criteria(scheme: Scheme, criteria: Sequence[CriterionContent]) -> None:
    _clear(scheme)
    for position, content in enumerate(criteria, start=1):
        _put(scheme, Criterion(scheme_id=scheme.id), content, position)


def _put_checks(scheme: Scheme, checks: Sequence[CheckContent]) -> None:
    standing = {each.name: each for each in scheme.checks}
    wanted = {each.name.strip(): each for each in checks}
    going = [each for name, each in standing.items() if name not in wanted]
    if going:
        for listener in _removing_checks:
            listener([each.id for each in going])
    for each in going:
        scheme.checks.remove(each)
    for number, each in enumerate(scheme.checks, start=len(wanted) + len(standing) + 1):
        each.position = number  # out of the way: two never share a place, not even for a moment
    db.session.flush()
    for number, (name, content) in enumerate(wanted.items(), start=1):
        check = standing.get(name) or SchemeCheck(scheme_id=scheme.id, name=name)
        check.position, check.guidance, check.of_organisation = (
            number,
            content.guidance.strip(),
            content.of_organisation,
        )
        db.session.add(check)
    db.session.flush()
    db.session.expire(scheme, ["checks"])


def _put(scheme: Scheme, criterion: Criterion, content: CriterionContent, position: int) -> None:
    points = GATE_POINTS if content.is_gate else content.points
    _check(content, points)
    criterion.position = position
    criterion.ref, criterion.name, criterion.guidance = content.ref, content.name, content.guidance
    criterion.is_gate = content.is_gate
    criterion.weight_hundredths = 0 if content.is_gate else content.weight_hundredths
    criterion.minimum_hundredths = None if content.is_gate else content.minimum_hundredths
    criterion.counts_double = content.counts_double and not content.is_gate
    db.session.add(criterion)
    db.session.flush()
    standing = {point.hundredths: point for point in criterion.points}
    wanted = dict(points)
    for hundredths, point in standing.items():
        if hundredths not in wanted:
            criterion.points.remove(point)
    for hundredths, words in points:
        if hundredths in standing:
            standing[hundredths].words = words
        else:
            criterion.points.append(ScalePoint(hundredths=hundredths, words=words))
    db.session.flush()


def _check(content: CriterionContent, points: Sequence[tuple[int, str]]) -> None:
    if not content.ref.strip():
        raise Refused("Enter a short reference, like C1", field="ref")
    if not content.name.strip():
        raise Refused("Enter what is judged", field="name")
    if content.is_gate:
        return
    if not 0 <= content.weight_hundredths <= HEAVIEST:
        raise Refused("Enter a weight between 0 and 1,000", field="weight")
    if content.weight_hundredths == 0 and content.minimum_hundredths is not None:
        raise Refused("What has no weight is advice, and has no minimum", field="minimum")
    if content.weight_hundredths == 0 and content.counts_double:
        raise Refused("What has no weight cannot count double", field="counts_double")
    marks = [mark for mark, _ in points]
    if len(set(marks)) != len(marks):
        raise Refused("Two points of the scale have the same mark", field="points")
    if len(marks) < 2:
        raise Refused("Enter at least two points of the scale, each with its words", field="points")
    if not all(words.strip() for _, words in points):
        raise Refused("Say in words what each mark means", field="points")
    if max(marks) == 0:
        raise Refused("The top of the scale must be above 0", field="points")
    if content.minimum_hundredths is not None and not 0 <= content.minimum_hundredths <= max(marks):
        raise Refused("The minimum must lie on the scale", field="minimum")


def _clear(scheme: Scheme) -> None:
    ids = select(Criterion.id).where(Criterion.scheme_id == scheme.id)
    db.session.flush()
    db.session.execute(delete(ScalePoint).where(ScalePoint.criterion_id.in_(ids)))
    db.session.execute(delete(Criterion).where(Criterion.scheme_id == scheme.id))
    db.session.expire(scheme, ["criteria"])


def _refs(scheme: Scheme) -> list[str]:
    return [each.ref for each in queries.criteria_of(scheme)]


def _record(round_: Round, act: Act, action: str, after: dict[str, object]) -> None:
    audit.record(act, action, "round", queries.subject(round_), area_id=round_.area_id, after=after)
    db.session.expire(round_.scheme, ["criteria"])
