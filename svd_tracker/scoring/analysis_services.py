"""Turning on and off what says how sure a ranking is. The caller commits."""

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import Refused
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round, RoundState

BEFORE = (RoundState.PREPARING, RoundState.OPEN)


def switch_analysis(round_: Round, on: bool, act: Act) -> None:
    """Let the coordinators of the round see how sure its ranking is, or end that. As it is already: nothing happens.

    Raises Refused before scoring.
    """
    rounds.lock_round(round_)
    if round_.state in BEFORE:
        raise Refused("There is no ranking before the round is scored")
    if round_.analysis_on == on:
        return
    round_.analysis_on = on
    action = "turn_on_analysis" if on else "turn_off_analysis"
    audit.record(act, action, "round", rounds.subject(round_), area_id=round_.area_id, after={"analysis_on": on})
