"""How a round is scored, as data. Everything here is refused once the first score has frozen the scheme."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm.attributes import flag_modified

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.rounds import queries
from svd_tracker.rounds.models import Criterion, Round, RoundState, ScalePoint, Scheme

GATE_POINTS = ((0, "Fail"), (100, "Pass"))
HEAVIEST = 1_000_00  # hundredths: more than any scheme needs, and sums stay small


@dataclass(frozen=True)
class CriterionContent:
    """What is judged. ``points`` are (mark in hundredths, words); a gate gets its own two and has no weight."""

    ref: str
    name: str
    guidance: str = ""
    weight_hundredths: int = 0
    minimum_hundredths: int | None = None
    is_gate: bool = False
    points: tuple[tuple[int, str], ...] = ()


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
    """Save what holds for the whole scheme and, when ``criteria`` is given, all its criteria in their order.

    ``overall_minimum_bp``: the least share of the weight, in basis points. Raises ChangedMeanwhile and Refused.
    """
    scheme = _changeable(round_, row_version)
    if overall_minimum_bp is not None and not 0 <= overall_minimum_bp <= 10_000:
        raise Refused("Enter a percentage between 0 and 100", field="overall_minimum")
    scheme.overall_minimum_bp, scheme.reasons_required = overall_minimum_bp, reasons_required
    if criteria is not None:
        _clear(scheme)
        for position, content in enumerate(criteria, start=1):
            _put(scheme, Criterion(scheme_id=scheme.id), content, position)
    _record(round_, act, "save_scheme", {"overall_minimum_bp": overall_minimum_bp, "criteria": _refs(scheme)})


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
            "points": [list(point) for point in (GATE_POINTS if content.is_gate else content.points)],
        },
    )
    return changed


def remove_criterion(round_: Round, criterion: Criterion, act: Act) -> None:
    scheme = _changeable(round_, None)
    ref = criterion.ref
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
    scheme.overall_minimum_bp, scheme.reasons_required = source.overall_minimum_bp, source.reasons_required
    _clear(scheme)
    for position, content in enumerate(contents, start=1):
        _put(scheme, Criterion(scheme_id=scheme.id), content, position)
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


def _put(scheme: Scheme, criterion: Criterion, content: CriterionContent, position: int) -> None:
    points = GATE_POINTS if content.is_gate else content.points
    _check(content, points)
    criterion.position = position
    criterion.ref, criterion.name, criterion.guidance = content.ref, content.name, content.guidance
    criterion.is_gate = content.is_gate
    criterion.weight_hundredths = 0 if content.is_gate else content.weight_hundredths
    criterion.minimum_hundredths = None if content.is_gate else content.minimum_hundredths
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
    if not 0 < content.weight_hundredths <= HEAVIEST:
        raise Refused("Enter a weight above 0 and up to 1,000", field="weight")
    marks = [mark for mark, _ in points]
    if len(set(marks)) != len(marks):
        raise Refused("Two points of the scale have the same mark", field="points")
    if len(marks) < 2:
        raise Refused("Enter at least two points of the scale, each with its words", field="points")
    if not all(words.strip() for _, words in points):
        raise Refused("Say in words what each mark means", field="points")
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
