"""Match: somebody else's money or time for a plan line, in stages that are never added together (FIGURES.md 16)."""

import datetime as dt
from fractions import Fraction

from sqlalchemy import select

from svd_tracker.accounts.models import Organisation
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.db import sum_pence
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance.models import Match, MatchEvent, MatchKind, MatchStage
from svd_tracker.interventions.models import PlanLine
from svd_tracker.money import format_pounds, round_half_away

LONGEST_EVIDENCE = 250
ACHIEVED_STAGE = {MatchKind.CASH: MatchStage.RECEIVED, MatchKind.IN_KIND: MatchStage.DELIVERED}


def promise(
    act: Act,
    plan_line: PlanLine,
    organisation: Organisation,
    kind: MatchKind,
    title: str,
    pence: int,
    on: dt.date,
    evidence: str = "",
) -> Match:
    """A partner's promise to a plan line, in pence, dated ``on``. A promise that is known is raised by ``pence``.

    Raises Refused for an amount of nought or less, no title, another area's organisation, or a day to come.
    """
    title = title.strip()
    if not title:
        raise Refused("Enter what the match is for", field="title")
    if organisation.area_id != plan_line.holder.area_id:
        raise Refused("Choose an organisation of this area", field="organisation")
    if pence <= 0:
        raise Refused("Enter an amount of more than £0.00", field="pence")
    _refuse_future(on, act)
    match = db.session.scalar(
        select(Match)
        .where(
            Match.plan_line_id == plan_line.id,
            Match.organisation_id == organisation.id,
            Match.kind == kind,
            Match.title == title,
        )
        .with_for_update()
    )
    if match is None:
        match = Match(plan_line=plan_line, organisation=organisation, kind=kind, title=title)
        db.session.add(match)
        db.session.flush()
    db.session.add(_event(act, match, MatchStage.PROMISED, pence, on, evidence))
    _record(act, "promise", match, {"pence": pence, "on": on, "evidence": evidence.strip()})
    return match


def add_event(
    act: Act,
    match: Match,
    stage: MatchStage,
    pence: int | None,
    on: dt.date,
    evidence: str,
    hours_hundredths: int | None = None,
    rate_pence: int | None = None,
    price_list: str = "",
) -> MatchEvent:
    """What became of a match: an amount in pence at a stage, dated ``on``, with its evidence.

    Time is given as hours (in hundredths) and a rate (pence an hour); the amount is then worked out, and
    ``pence`` must agree or be None. What else is given in kind is valued by a list price: ``price_list`` names the
    list, and stands with the evidence. A correction is a negative amount (or negative hours). Raises Refused when
    the stage does not fit the kind, the evidence is missing, a stage would fall below nought or more would be
    withdrawn than was promised.
    """
    evidence = evidence.strip()
    if stage in ACHIEVED_STAGE.values() and stage is not ACHIEVED_STAGE[match.kind]:
        words = "received" if match.kind is MatchKind.CASH else "delivered"
        raise Refused(f"{match.kind.label} match is {words}: choose that", field="stage")
    pence = _amount(match, pence, hours_hundredths, rate_pence)
    if not evidence and (stage is not MatchStage.PROMISED or pence < 0):
        words = "what was wrong" if pence < 0 else "what shows it, such as a letter, a remittance or a time sheet"
        raise Refused(f"Enter the evidence: {words}", field="evidence")
    if price_list.strip():
        if match.kind is not MatchKind.IN_KIND or hours_hundredths is not None:
            raise Refused("A price list is for match in kind that is not time", field="price_list")
        evidence = f"{evidence}; list price: {price_list.strip()}"
    if len(evidence) > LONGEST_EVIDENCE:
        over = len(evidence) - LONGEST_EVIDENCE
        raise Refused(f"Use {over} characters fewer, here or for the price list", field="evidence")
    _refuse_future(on, act)
    standing = _standing(match)
    after = standing[stage] + pence
    if after < 0:
        raise Refused(
            f"That takes off more than the {format_pounds(standing[stage])} that stands as {stage.value}", field="pence"
        )
    promised = after if stage is MatchStage.PROMISED else standing[MatchStage.PROMISED]
    withdrawn = after if stage is MatchStage.WITHDRAWN else standing[MatchStage.WITHDRAWN]
    if withdrawn > promised:
        raise Refused(f"No more can be withdrawn than the {format_pounds(promised)} promised", field="pence")
    event = _event(act, match, stage, pence, on, evidence, hours_hundredths, rate_pence)
    db.session.add(event)
    after_values = {"pence": pence, "on": on, "evidence": evidence}
    if hours_hundredths is not None:
        after_values |= {"hours_hundredths": hours_hundredths, "rate_pence": rate_pence}
    _record(act, stage.value, match, after_values)
    return event


def value_of_time(hours_hundredths: int, rate_pence: int) -> int:
    """Hours (in hundredths) times a rate (pence an hour), rounded once, a half away from nought (FIGURES.md 18)."""
    return round_half_away(Fraction(hours_hundredths * rate_pence, 100))


def _amount(match: Match, pence: int | None, hours: int | None, rate: int | None) -> int:
    if hours is None and rate is None:
        if not pence:
            raise Refused("Enter an amount, not £0.00", field="pence")
        return pence
    if match.kind is not MatchKind.IN_KIND:
        raise Refused("Hours belong to match in kind: enter the amount instead", field="hours")
    if not hours:
        raise Refused("Enter the hours, like 7.5", field="hours")
    if rate is None or rate <= 0:
        raise Refused("Enter the rate for an hour, like 25.00", field="rate")
    worked_out = value_of_time(hours, rate)
    if pence is not None and pence != worked_out:
        raise Refused(
            f"The hours at that rate come to {format_pounds(worked_out)}: leave the amount empty or enter that",
            field="pence",
        )
    if worked_out == 0:
        raise Refused("The hours at that rate come to £0.00", field="hours")
    return worked_out


def _refuse_future(on: dt.date, act: Act) -> None:
    if on > act.on:
        raise Refused("Enter a date that is not in the future", field="happened_on")


def _standing(match: Match) -> dict[MatchStage, int]:
    # Two corrections at once must not both see the old sum.
    db.session.execute(select(Match.id).where(Match.id == match.id).with_for_update(key_share=True))
    rows = db.session.execute(
        select(MatchEvent.stage, sum_pence(MatchEvent.pence))
        .where(MatchEvent.match_id == match.id)
        .group_by(MatchEvent.stage)
    )
    standing = dict.fromkeys(MatchStage, 0)
    for stage, pence in rows:
        standing[stage] = pence
    return standing


def _event(
    act: Act,
    match: Match,
    stage: MatchStage,
    pence: int,
    on: dt.date,
    evidence: str,
    hours: int | None = None,
    rate: int | None = None,
) -> MatchEvent:
    return MatchEvent(
        match_id=match.id,
        stage=stage,
        pence=pence,
        happened_on=on,
        hours_hundredths=hours,
        rate_pence=rate,
        evidence=evidence.strip(),
        recorded_at=act.at,
        recorded_by=act.by,
    )


def _record(act: Act, action: str, match: Match, after: dict[str, object]) -> None:
    line = match.plan_line
    audit.record(
        act,
        action,
        "match",
        str(match.id),
        area_id=line.holder.area_id,
        holder_id=line.holder_id,
        after={
            "plan_line": f"{line.intervention.ref} {line.fy}",
            "organisation": match.organisation.name,
            "kind": match.kind.value,
            "title": match.title,
            **after,
        },
    )
