"""The workbook that a partner is asked to fill in for a return, from what is recorded here now."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from flask import current_app

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Area, HolderKind
from svd_tracker.accounts.queries import read_whole_setting
from svd_tracker.calculations.figures import Earlier, Tolerance
from svd_tracker.calculations.returns import forecast_quarters, own_quarters
from svd_tracker.clock import london_day
from svd_tracker.errors import Refused
from svd_tracker.finance import match_queries
from svd_tracker.finance import queries as finance
from svd_tracker.grants import queries as grants
from svd_tracker.periods import format_date, quarter_end
from svd_tracker.readers.partner_layout import (
    ACCRUALS,
    SPARE_LINES,
    TEMPLATE_VERSION,
    FormLine,
    FormMatch,
    Given,
    Mark,
    PartnerForm,
    Place,
)
from svd_tracker.returns import figures_store, obligation_queries, queries
from svd_tracker.returns.check_kinds import ERROR, rules_of
from svd_tracker.returns.figures_store import LineRow
from svd_tracker.returns.gather import digest, earlier_of
from svd_tracker.returns.models import LineSection, Obligation
from svd_tracker.returns.partner import queries as partner
from svd_tracker.returns.period_words import obligation_words
from svd_tracker.returns.workbook import KINDS

_SPARE = re.compile(r"P([0-9]{2,})")


def partner_form(obligation: Obligation, at: dt.datetime) -> PartnerForm:
    """The form of a return as of now, filled in with what the partner gave for this very return before.

    Its lines are the holder's fundings, and those that only the partner's earlier workbooks name. Raises Refused while
    the grant has no terms. A fixed number of queries.
    """
    grant, holder = obligation.grant, obligation.holder
    terms = grants.current_terms(grant.id)
    if terms is None:
        raise Refused("The grant has no agreement terms yet: enter them before a return is made")
    builds = queries.earlier_builds(obligation)
    earlier = earlier_of(builds)
    same = partner.newest_brought_in_build(obligation.id)
    wanted = [*([builds[-1].build_id] if builds else []), *([same] if same else [])]
    rows = figures_store.load(wanted) if wanted else {}
    own = own_quarters(obligation.last_quarter, earlier.closed_quarters)
    form = PartnerForm(
        mark=Mark(
            TEMPLATE_VERSION,
            grant.area.ref,
            grant.ref,
            holder.ref,
            obligation.fy,
            obligation.last_quarter,
            obligation.kind,
            "",
        ),
        grant_name=grant.name,
        holder_name=holder.name,
        accountable_body=holder.accountable_body,
        opcc_name=opcc_name(grant.area),
        period_label=obligation_words(obligation.fy, obligation.last_quarter, obligation.kind),
        kind_label=KINDS[obligation.kind],
        due_on=format_date(obligation_queries.newest_dates(obligation.id).due_on),
        statement=terms.declaration,
        allocations={
            category: pence
            for category, (_, pence) in grants.allocations_of_holder(grant.id, holder.id, obligation.fy).items()
        },
        tolerance=Tolerance(
            read_whole_setting("variance_bp", grant.area_id), read_whole_setting("variance_pence", grant.area_id)
        ),
        variance_blocks=rules_of(grant.area_id)["variance_unexplained"].on(london_day(at)) == ERROR,
        closed=tuple(sorted(earlier.closed_quarters)),
        own=own,
        ahead=forecast_quarters(obligation.kind, obligation.last_quarter),
        lines=(),
        spare_refs=(),
        match=(),
        made_at=at,
        council_colour=current_app.config["COUNCIL_COLOUR"],
        marking=current_app.config["PROTECTIVE_MARKING"],
    )
    said = rows[same] if same else None
    lines = _lines(obligation, earlier, [rows[build_id] for build_id in wanted])
    filled = tuple(replace(line, given=_given(form, line, said)) for line in lines) if said else tuple(lines)
    made_from = digest(
        [
            [[line.ref, line.title, line.category.value, line.budget, line.reported_before] for line in lines],
            [form.closed, form.own, form.ahead],
        ]
    )
    return replace(
        form,
        mark=replace(form.mark, made_from=made_from),
        lines=filled,
        spare_refs=_spare_refs(lines),
        match=_match(obligation, said or (rows[wanted[0]] if wanted else ())),
    )


def reported(earlier: Earlier, ref: str, quarter: int) -> int:
    """What certified returns said of a closed quarter, in pence (FIGURES.md 3)."""
    key = (ref, quarter)
    return (earlier.reported or {}).get(key, 0) + (earlier.adjusted or {}).get(key, 0)


def opcc_name(area: Area) -> str:
    """What the area's OPCC is called; the area's name while it has no holder."""
    return next((each.name for each in accounts.list_holders(area.id) if each.kind is HolderKind.OPCC), area.name)


def _lines(obligation: Obligation, earlier: Earlier, builds: Sequence[Sequence[LineRow]]) -> list[FormLine]:
    """The fundings known here, then what only the partner's workbooks named, the newest budget of each."""

    def before(ref: str) -> int:
        return sum(reported(earlier, ref, quarter) for quarter in earlier.closed_quarters)

    fundings = finance.fundings(obligation.holder_id, obligation.fy, obligation.grant_id)
    lines = {
        each.ref: FormLine(each.ref, each.title, each.category, each.pence, before(each.ref), False)
        for each in fundings
    }
    known = frozenset(lines)
    for rows in builds:
        for row in rows:
            if row.section is not LineSection.FUNDING or row.ref in known or row.category is None:
                continue
            budget = next((each.value for each in row.figures if each.code == "funding"), None)
            lines[row.ref] = FormLine(row.ref, row.label, row.category, budget or 0, before(row.ref), True)
    order = list(lines)
    return sorted(lines.values(), key=lambda line: (line.category.value, line.ref not in known, order.index(line.ref)))


def _given(form: PartnerForm, line: FormLine, rows: Sequence[LineRow]) -> Given | None:
    """What the partner gave for the line last time, as far as it is asked for again."""
    amounts: dict[Place, int] = {}
    words = None
    for row in rows:
        if row.ref != line.ref:
            continue
        if row.section is LineSection.FUNDING:
            words = row.explanation
            amounts |= {("adjustment", quarter): 0 for quarter in form.closed}
            amounts |= {
                (each.code, each.quarter): each.value
                for each in row.figures
                if each.value is not None
                and ((each.code, each.quarter) in form.asked or (each.code, each.quarter) == ACCRUALS)
            }
        elif row.section is LineSection.ADJUSTMENT:
            amounts[("adjustment", row.quarter or 0)] = row.figures[0].value or 0
    if words is None:
        return None
    return Given({place: pence for place, pence in amounts.items() if place in form.asked}, words)


def _spare_refs(lines: Sequence[FormLine]) -> tuple[str, ...]:
    used = [int(found[1]) for line in lines if (found := _SPARE.fullmatch(line.ref))]
    first = max(used, default=0) + 1
    return tuple(f"P{number:02d}" for number in range(first, first + SPARE_LINES))


def _match(obligation: Obligation, rows: Sequence[LineRow]) -> tuple[FormMatch, ...]:
    """Match of the partner's newest workbook, or else as it is recorded here."""
    if rows:
        found = figures_store.match_from_rows(rows)
        return tuple(
            FormMatch(each.plan_line, each.source, each.kind, each.promised, each.confirmed, each.achieved)
            for each in found
        )
    up_to = quarter_end(obligation.fy, obligation.last_quarter)
    return tuple(
        FormMatch(
            each.plan_line_title, each.organisation, each.kind.value, each.promised, each.confirmed, each.achieved
        )
        for each in match_queries.match_lines(obligation.holder_id, obligation.fy, up_to)
    )


def form_digest(form: PartnerForm) -> Mapping[str, object]:
    """What of a form goes into the digest of a build's inputs."""
    return {
        "made_from": form.mark.made_from,
        "tolerance": [form.tolerance.basis_points, form.tolerance.pence],
        "statement": form.statement,
    }
