"""A partner's filled workbook held beside the form that was asked for: each problem at its sheet and cell."""

from collections.abc import Iterator, Mapping

from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.returns import needs_explanation
from svd_tracker.money import format_pounds
from svd_tracker.readers.line_findings import Severity
from svd_tracker.readers.partner_grid import Problem
from svd_tracker.readers.partner_layout import (
    ACCRUALS,
    CERTIFICATE,
    EXPLANATION,
    FUNDING,
    FormLine,
    Mark,
    PartnerForm,
    Place,
    label,
    period_of,
    plain,
)
from svd_tracker.readers.partner_return import ReadLine, ReadReturn, total_differs


def other_return(mark: Mark, form: PartnerForm) -> str:
    """Why a workbook is not of this return at all, or ""."""
    wanted = form.mark
    if (mark.area, mark.grant, mark.holder) != (wanted.area, wanted.grant, wanted.holder):
        whose = f"{mark.holder}, grant {mark.grant}, area {mark.area}"
        return f"This workbook was made for another partner or grant ({whose}), not for {form.holder_name}"
    if (mark.fy, mark.last_quarter, mark.kind) != (wanted.fy, wanted.last_quarter, wanted.kind):
        return f"This workbook is the {period_of(mark)}, and this is the {period_of(wanted)}"
    return ""


def check_partner_return(read: ReadReturn, form: PartnerForm) -> tuple[Problem, ...]:
    """Every problem of a workbook that is of this return, errors first, each in the order of its rows."""
    problems = [*read.problems, *_of_columns(read, form)]
    if all(each.code != "no_column" for each in problems):
        problems += _of_lines(read, form)
    problems += [*total_differs(read), *_of_certificate(read, form)]
    if read.mark.made_from != form.mark.made_from:
        words = (
            "This workbook was made before a line, a budget or an earlier return changed here. What stands here now "
            "is used for what the partner does not enter"
        )
        problems.append(Problem(Severity.WARNING, "made_earlier", read.sheet, "", words))
    return tuple(sorted(problems, key=lambda each: each.severity is not Severity.ERROR))


def used_lines(read: ReadReturn, form: PartnerForm) -> tuple[tuple[FormLine, ReadLine], ...]:
    """The lines that count, each with what was asked: those of the form, then the spare ones that were filled in.

    Only for a workbook without errors. A spare line has its title, category and budget from the workbook.
    """
    given = {line.ref: line for line in read.lines}
    known = [(_with_budget(line, given[line.ref]), given[line.ref]) for line in form.lines]
    new = [
        (_spare(line), line)
        for line in read.lines
        if line.ref in form.spare_refs and not line.is_blank and line.category is not None
    ]
    return (*known, *new)


def _spare(line: ReadLine) -> FormLine:
    """A spare line as it was filled in; one without a category is an error, so that none of it is used."""
    return FormLine(line.ref, line.title, line.category or Category.LABOUR, line.amounts.get(FUNDING, 0), 0, True)


def _with_budget(line: FormLine, given: ReadLine) -> FormLine:
    budget = given.amounts.get(FUNDING, line.budget) if line.budget_given else line.budget
    return FormLine(line.ref, line.title, line.category, budget, line.reported_before, line.budget_given)


def _of_columns(read: ReadReturn, form: PartnerForm) -> Iterator[Problem]:
    for place in (FUNDING, *form.asked, EXPLANATION):
        if place not in read.columns:
            words = f"The column {label(place)} is missing. Put it back, or get a new workbook for this return"
            yield Problem(Severity.ERROR, "no_column", read.sheet, "", words)
    for place in read.columns:
        code, quarter = place
        if code not in ("adjustment", "spent", "forecast") or place in form.asked:
            continue
        for line in read.lines:
            if line.amounts.get(place):
                why = (
                    f"Q{quarter} is reported already: what came late for it is an adjustment"
                    if code == "spent" and quarter in form.closed
                    else f"This return does not ask for {label(place).partition(',')[0].lower()}"
                )
                words = f"{why}. Get a new workbook for this return, and copy the figures into it"
                yield Problem(Severity.ERROR, "other_column", read.sheet, line.cells[place], words)
                break


def _of_lines(read: ReadReturn, form: PartnerForm) -> Iterator[Problem]:
    given = {line.ref: line for line in read.lines}
    for line in form.lines:
        found = given.get(line.ref)
        if found is None:
            words = f"The line {line.ref}, {line.title}, is missing. Put it back, or get a new workbook"
            yield Problem(Severity.ERROR, "no_line", read.sheet, "", words)
            continue
        yield from _of_known(read, line, found)
        yield from _of_amounts(read, form, _with_budget(line, found), found)
    known = {line.ref for line in form.lines}
    for found in read.lines:
        if found.ref in known or found.is_blank:
            continue
        if found.ref in form.spare_refs:
            yield from _of_new(read, found)
            yield from _of_amounts(read, form, _spare(found), found)
        else:
            words = f"There is no line {found.ref} here. Use a spare line for what is not listed"
            yield Problem(Severity.ERROR, "unknown_ref", read.sheet, found.ref_cell, words)


def _of_known(read: ReadReturn, line: FormLine, found: ReadLine) -> Iterator[Problem]:
    if plain(found.title) != plain(line.title):
        words = f"{line.ref} is called {line.title} here, and that name is used"
        yield Problem(Severity.WARNING, "title", read.sheet, found.title_cell, words)
    if found.category is not line.category:
        words = f"{line.title} is {line.category.label.lower()} here, and that is used"
        yield Problem(Severity.WARNING, "category", read.sheet, found.category_cell, words)
    budget = found.amounts.get(FUNDING)
    if FUNDING in found.bad:
        return
    if budget is not None and budget < 0 and line.budget_given:
        yield _negative_budget(read, found)
    elif budget is None and line.budget_given:
        words = f"Enter the budget of {line.title} for the year"
        yield Problem(Severity.ERROR, "no_budget", read.sheet, found.cells[FUNDING], words)
    elif budget is not None and budget != line.budget:
        used = "the new one" if line.budget_given else "what stands here"
        words = (
            f"The budget of {line.title} is {format_pounds(line.budget)} here and {format_pounds(budget)} in the "
            f"workbook: {used} is used"
        )
        yield Problem(Severity.WARNING, "budget", read.sheet, found.cells[FUNDING], words)


def _of_new(read: ReadReturn, found: ReadLine) -> Iterator[Problem]:
    if not found.title:
        words = f"Enter what the new line {found.ref} is for"
        yield Problem(Severity.ERROR, "no_title", read.sheet, found.title_cell, words)
    if found.category is None:
        words = f"Choose {' or '.join(kind.label for kind in Category)} for the new line {found.ref}"
        yield Problem(Severity.ERROR, "no_category", read.sheet, found.category_cell, words)
    if FUNDING not in found.amounts and FUNDING not in found.bad:
        words = f"Enter the budget of the new line {found.ref} for the year"
        yield Problem(Severity.ERROR, "no_budget", read.sheet, found.cells[FUNDING], words)
    if found.amounts.get(FUNDING, 0) < 0:
        yield _negative_budget(read, found)
    words = f"{found.title or found.ref} is a new line: is its money agreed?"
    yield Problem(Severity.WARNING, "new_line", read.sheet, found.title_cell, words)


def _negative_budget(read: ReadReturn, found: ReadLine) -> Problem:
    words = f"The budget of {found.title or found.ref} is negative. Enter the year's budget as a plain amount"
    return Problem(Severity.ERROR, "negative_budget", read.sheet, found.cells[FUNDING], words)


def _of_amounts(read: ReadReturn, form: PartnerForm, asked: FormLine, line: ReadLine) -> Iterator[Problem]:
    title = asked.title or line.ref
    for place in form.asked:
        code, quarter = place
        if place in line.amounts or place in line.bad:
            continue
        if code == "spent":
            words = f"Enter what was spent on {title} in Q{quarter}, or 0"
            yield Problem(Severity.ERROR, "blank", read.sheet, line.cells[place], words)
        elif code == "forecast":
            words = f"Enter what {title} is expected to spend in Q{quarter}, or 0"
            yield Problem(Severity.ERROR, "forecast_missing", read.sheet, line.cells[place], words)
    for place, pence in _spent(form, line).items():
        if place[0] == "spent" and pence < 0:
            words = f"{title} has a negative spend of {format_pounds(pence)} in Q{place[1]}: is that right?"
            yield Problem(Severity.WARNING, "negative", read.sheet, line.cells[place], words)
    for place in form.asked:
        if place[0] == "forecast" and line.amounts.get(place, 0) < 0:
            amount = format_pounds(line.amounts[place])
            words = f"{title} has a negative forecast of {amount} for Q{place[1]}: is that right?"
            yield Problem(Severity.WARNING, "negative", read.sheet, line.cells[place], words)
    yield from _unexplained(read, form, asked, line)
    accruals = line.amounts.get(ACCRUALS, 0)
    if accruals < 0:
        words = f"Enter the accruals of {title} as a plain amount: they are part of the spend"
        yield Problem(Severity.ERROR, "negative_accrual", read.sheet, line.cells[ACCRUALS], words)
    elif accruals > max(0, sum(_spent(form, line).values())) and not form.closed:
        words = f"The accruals of {title} are more than what was spent"
        yield Problem(Severity.WARNING, "accruals", read.sheet, line.cells[ACCRUALS], words)


def _unexplained(read: ReadReturn, form: PartnerForm, asked: FormLine, line: ReadLine) -> Iterator[Problem]:
    """A variance beyond the tolerance without an explanation (FIGURES.md 11), of a line that is filled in whole."""
    wanted = [place for place in form.asked if place[0] in ("spent", "forecast")]
    if not form.variance_blocks or line.explanation or line.bad or any(each not in line.amounts for each in wanted):
        return
    partly = sum(line.amounts.get(("spent", quarter), 0) for quarter in form.own if quarter in form.ahead)
    ahead = sum(line.amounts["forecast", quarter] for quarter in form.ahead)
    variance = asked.reported_before + sum(_spent(form, line).values()) - partly + ahead - asked.budget
    if needs_explanation(variance, asked.budget, form.tolerance):
        way = "over" if variance > 0 else "under"
        words = (
            f"Explain the variance of {asked.title or line.ref}: its outturn is {format_pounds(abs(variance))} {way} "
            "its budget"
        )
        yield Problem(Severity.ERROR, "variance_unexplained", read.sheet, line.cells[EXPLANATION], words)


def _spent(form: PartnerForm, line: ReadLine) -> Mapping[Place, int]:
    """What the line says of the period: spend of its quarters, and adjustments to closed ones."""
    return {place: line.amounts.get(place, 0) for place in form.asked if place[0] in ("spent", "adjustment")}


def _of_certificate(read: ReadReturn, form: PartnerForm) -> Iterator[Problem]:
    said = read.certificate
    sheet, cell = said.nil_cell
    used = [line for line in read.lines if line.ref in {*(each.ref for each in form.lines), *form.spare_refs}]
    bad = any(line.bad for line in used)
    something = any(any(_spent(form, line).values()) for line in used)
    if form.own and not (something or bad or said.nil or _nil_problem(read)):
        words = "Nothing is entered as spent. Choose Yes where that is so, or enter what was spent"
        yield Problem(Severity.ERROR, "nil_not_said", sheet or CERTIFICATE, cell, words)
    if something and said.nil:
        words = "This says that it is a nil return, and amounts are entered. Choose No, or take the amounts out"
        yield Problem(Severity.ERROR, "not_nil", sheet, cell, words)
    sheet, cell = said.prepared_by_cell
    if not said.prepared_by:
        words = "Enter who prepared this return: somebody else has to certify it"
        yield Problem(Severity.ERROR, "no_preparer", sheet or CERTIFICATE, cell, words)
    sheet, cell = said.certifier_cell
    if not said.certifier:
        words = "Enter who certifies this return: it is asked for before the return can join the area's"
        yield Problem(Severity.WARNING, "no_certifier", sheet or CERTIFICATE, cell, words)
    elif plain(said.certifier) == plain(said.prepared_by):
        words = "Who prepares a return does not certify it: somebody else has to sign"
        yield Problem(Severity.WARNING, "same_person", sheet, cell, words)


def _nil_problem(read: ReadReturn) -> bool:
    return any(each.code == "nil_words" for each in read.problems)
