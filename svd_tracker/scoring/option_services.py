"""Options of the funding line: made, changed, copied, deleted, chosen. Advice for the decision, never one.

Audit lines here carry totals and counts, not what becomes of which proposal: an administrator reads the audit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.options import Item, OptionInput, OptionProblem, OptionResult, evaluate
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round
from svd_tracker.scoring import option_queries
from svd_tracker.scoring.models import LineOption, LineOptionAmount, LineOptionItem
from svd_tracker.scoring.option_queries import PLANNING, Basis

CHANGED = "Somebody else changed this option after you opened it"


@dataclass(frozen=True)
class OptionContent:
    """All that an option says. ``items`` is by the proposal's ref; amounts in pence."""

    name: str
    items: Mapping[str, Item]
    note: str = ""
    over_bp: int = 0
    over_approver: str = ""
    over_reference: str = ""
    count_match: bool = False


def content_of(basis: Basis, option: LineOption) -> OptionContent:
    """What an option says now."""
    items = option_queries.items_of(option, basis.refs)
    return OptionContent(
        option.name, items, option.note, option.over_bp, option.over_approver, option.over_reference, option.count_match
    )


class Breaks(Refused):
    """An option breaks a ceiling or a rule of the line; ``problems`` says each, where it is."""

    def __init__(self, problems: tuple[OptionProblem, ...]) -> None:
        super().__init__("; ".join(each.words for each in problems))
        self.problems = problems


def add_option(act: Act, basis: Basis, content: OptionContent) -> LineOption:
    """Keep a new option of a partnership under a name of its own.

    Raises Refused with the field (``name``, ``over_approver``, ``over_reference``) and Breaks for what the money or
    the ranking does not allow.
    """
    _ready(act, basis.round, basis.holder.id)
    result = _check(basis, content, None)
    option = LineOption(
        round_id=basis.round.id, holder_id=basis.holder.id, recorded_at=act.at, recorded_by=act.by, **_words(content)
    )
    _put_items(option, basis, content.items)
    db.session.add(option)
    _record(act, "add_option", basis, None, _facts(content, result))
    return option


def save_option(act: Act, basis: Basis, option: LineOption, content: OptionContent, row_version: int) -> LineOption:
    """Change an option. Raises as ``add_option``, and ChangedMeanwhile when another page saved first."""
    _ready(act, basis.round, basis.holder.id)
    _refuse_changed(option, row_version)
    result = _check(basis, content, option)
    before = _facts_now(basis, option)
    for name, value in _words(content).items():
        setattr(option, name, value)
    option.items.clear()
    db.session.flush()  # the rows of before must be gone before those of the same proposals come
    _put_items(option, basis, content.items)
    flag_modified(option, "name")  # a change of any item counts as a change of the option
    _record(act, "change_option", basis, before, _facts(content, result))
    return option


def copy_option(act: Act, basis: Basis, option: LineOption, name: str) -> LineOption:
    """The same under another name, as it stands, also where it no longer fits. Never chosen."""
    _ready(act, basis.round, basis.holder.id)
    content = replace(content_of(basis, option), name=name)
    _check_name(basis, content, None)
    copied = LineOption(
        round_id=basis.round.id, holder_id=basis.holder.id, recorded_at=act.at, recorded_by=act.by, **_words(content)
    )
    _put_items(copied, basis, content.items)
    db.session.add(copied)
    _record(act, "copy_option", basis, None, _facts_now(basis, copied))
    return copied


def delete_option(act: Act, basis: Basis, option: LineOption, row_version: int) -> None:
    """Take an option away for good. Raises Refused for the chosen one: the draft decisions stand on it."""
    _ready(act, basis.round, basis.holder.id)
    _refuse_changed(option, row_version)
    if option.chosen_at is not None:
        raise Refused("This option is chosen. Choose another or take the choice back first")
    before = _facts_now(basis, option)
    db.session.delete(option)
    _record(act, "delete_option", basis, before, None)


def choose(act: Act, basis: Basis, option: LineOption, row_version: int) -> None:
    """Make an option the one that the draft decisions are filled in from; the one chosen before no longer is.

    Raises Breaks for an option that no longer fits the ranking or the money as they are now.
    """
    _ready(act, basis.round, basis.holder.id)
    _refuse_changed(option, row_version)
    now = option_queries.held_against(basis, option)
    if now.result.problems:
        raise Breaks(now.result.problems)
    for each in option_queries.options_of(basis.round.id, basis.holder.id):
        if each is not option and each.chosen_at is not None:
            each.chosen_at = None
    option.chosen_at = act.at
    _record(act, "choose_option", basis, None, _facts_now(basis, option))


def take_choice_back(act: Act, basis: Basis, option: LineOption, row_version: int) -> None:
    """No option is chosen any more, and there are no draft decisions. What was decided stays decided."""
    _ready(act, basis.round, basis.holder.id)
    _refuse_changed(option, row_version)
    if option.chosen_at is None:
        raise Refused("This option is not chosen")
    option.chosen_at = None
    _record(act, "take_option_back", basis, _facts_now(basis, option), None)


def _ready(act: Act, round_: Round, holder_id: int) -> None:
    """Holds the round, so that two at once cannot both be chosen, nor take one name."""
    rounds.lock_round(round_)
    option_queries.refuse_if_any_shut(act.by, round_, holder_id)
    if round_.state not in PLANNING:
        raise NotAllowed("Options are made from when the scores are in until the decisions are published.")


def _refuse_changed(option: LineOption, row_version: int) -> None:
    """Its rows belong to it, so that what is loaded is as it stands while the row's own version is."""
    now = db.session.scalar(select(LineOption.row_version).where(LineOption.id == option.id))
    if now != row_version or option.row_version != row_version:
        raise ChangedMeanwhile(CHANGED)


def _check(basis: Basis, content: OptionContent, option: LineOption | None) -> OptionResult:
    _check_name(basis, content, option)
    if content.over_bp and not content.over_approver.strip():
        raise Refused("Enter who allows the money to be over-programmed", field="over_approver")
    if content.over_bp and not content.over_reference.strip():
        raise Refused("Enter the reference under which it is allowed", field="over_reference")
    result = _evaluate(basis, content)
    if result.problems:
        raise Breaks(result.problems)
    return result


def _check_name(basis: Basis, content: OptionContent, option: LineOption | None) -> None:
    name = content.name.strip()
    if not name:
        raise Refused("Enter a name for the option", field="name")
    others = option_queries.options_of(basis.round.id, basis.holder.id)
    if any(each.name.casefold() == name.casefold() for each in others if each is not option):
        raise Refused("Another option has this name: enter another", field="name")


def _evaluate(basis: Basis, content: OptionContent) -> OptionResult:
    return evaluate(OptionInput(basis.ranked, basis.money, content.items, content.over_bp, content.count_match))


def _words(content: OptionContent) -> dict[str, object]:
    over = content.over_bp > 0
    return {
        "name": content.name.strip(),
        "note": content.note.strip(),
        "over_bp": content.over_bp,
        "over_approver": content.over_approver.strip() if over else "",
        "over_reference": content.over_reference.strip() if over else "",
        "count_match": content.count_match,
    }


def _put_items(option: LineOption, basis: Basis, items: Mapping[str, Item]) -> None:
    ids = basis.ids
    for ref, item in items.items():
        amounts = item.amounts if item.place.gives else {}
        option.items.append(
            LineOptionItem(
                proposal_id=ids[ref],
                place=item.place,
                reason=item.reason.strip(),
                amounts=[LineOptionAmount(category=each, pence=pence) for each, pence in amounts.items() if pence],
            )
        )


def _facts(content: OptionContent, result: OptionResult) -> dict[str, object]:
    return {
        "option": content.name.strip(),
        "funded": result.funded_count,
        "pence": {each.value: result.funded[each] for each in Category},
        "over_bp": content.over_bp,
        "over_approver": content.over_approver.strip() if content.over_bp else "",
        "over_reference": content.over_reference.strip() if content.over_bp else "",
        "count_match": content.count_match,
    }


def _facts_now(basis: Basis, option: LineOption) -> dict[str, object]:
    content = content_of(basis, option)
    return _facts(content, _evaluate(basis, content))


def _record(
    act: Act, action: str, basis: Basis, before: Mapping[str, object] | None, after: Mapping[str, object] | None
) -> None:
    audit.record(
        act,
        action,
        "funding_line",
        option_queries.subject(basis.round, basis.holder),
        area_id=basis.round.area_id,
        holder_id=basis.holder.id,
        before=before,
        after=after,
    )
