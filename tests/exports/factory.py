"""Return documents for tests: real figures by calculate_return, from small made-up histories."""

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence

from exports.documents import AreaDocument, CheckLine, EntryLine, FullEntry, HolderState, MatchLine, ReturnDocument
from svd_tracker.calculations.area import AreaMemberFigures, join_area
from svd_tracker.calculations.changes import Changes, FigureChange
from svd_tracker.calculations.figures import (
    Category,
    Earlier,
    EntryFact,
    EntryKind,
    FundingFact,
    ObligationKind,
    ReturnInputs,
)
from svd_tracker.calculations.progress import MilestoneProgress, OutputProgress, PlanLineProgress
from svd_tracker.calculations.returns import calculate_return
from svd_tracker.periods import QUARTERS, quarter_label, quarter_start

FY = 2025
LABOUR, NON_LABOUR = Category.LABOUR, Category.NON_LABOUR
STATEMENT = (
    "I certify that the spend in this return is eligible and for the purpose of the grant, is stated on an accruals "
    "basis, is claimed nowhere else and agrees to the ledger of the accountable body; that records are kept; and that "
    "the forecast is a best estimate."
)


def funding(
    number: int,
    title: str,
    category: Category,
    pounds: int,
    forecast: Mapping[int, int] | None = None,
) -> FundingFact:
    """A funding with an even profile; its forecast, in pence, is that profile unless given. {} is no forecast."""
    pence = pounds * 100
    profile = dict.fromkeys((1, 2, 3), pence // 4)
    profile[4] = pence - sum(profile.values())
    return FundingFact(f"D25-{number:02d}", title, category, pence, profile, profile if forecast is None else forecast)


def entry(
    seq: int, ref: str, quarter: int, pence: int, kind: EntryKind = EntryKind.ACTUAL, eligible: bool = True
) -> EntryFact:
    return EntryFact(seq, ref, quarter, pence, kind, eligible)


FUNDINGS = (
    funding(1, "Serious violence coordinator", LABOUR, 48_000),
    funding(2, "Specialist nurse, emergency department", LABOUR, 61_500),
    funding(3, "High harm perpetrator tool", NON_LABOUR, 22_000),
    funding(4, "Healthy relationships and Mentors in Violence Prevention (MVP)", NON_LABOUR, 35_250),
    funding(5, "Level-Up", NON_LABOUR, 12_040),
)
ENTRIES = (
    entry(1, "D25-01", 1, 11_873_41 - 1_000_00),
    entry(2, "D25-01", 1, 1_000_00, EntryKind.ACCRUAL),
    entry(3, "D25-02", 1, 18_204_10),
    entry(4, "D25-02", 1, -350_05, EntryKind.JOURNAL),
    entry(5, "D25-03", 1, 24_500_00),
    entry(6, "D25-04", 1, 4_310_77),
    entry(7, "D25-04", 1, 120_33, eligible=False),
    entry(8, "D25-05", 1, 3_010_01),
)
ALLOCATIONS = {LABOUR: 109_500_00, NON_LABOUR: 69_290_00}
MATCH = (
    MatchLine(
        "Specialist nurse, emergency department",
        "University Hospitals Dorset",
        "In kind",
        12_000_00,
        12_000_00,
        2_500_50,
    ),
    MatchLine(
        "High harm perpetrator tool", "Office of the Police and Crime Commissioner", "Cash", 8_000_00, 8_000_00, 0
    ),
)
CHECKS = (
    CheckLine(
        "Warning",
        "Locally funded",
        "Spend passes the funding; £2,500.00 is locally funded.",
        "D25-03 High harm perpetrator tool",
    ),
    CheckLine("Error", "Variance unexplained", "The variance is over 5% or £1,000 and has no explanation.", "D25-02"),
)


def inputs(
    last_quarter: int = 1,
    *,
    kind: ObligationKind = ObligationKind.IN_YEAR,
    fundings: Sequence[FundingFact] = FUNDINGS,
    entries: Sequence[EntryFact] = ENTRIES,
    allocations: Mapping[Category, int] = ALLOCATIONS,
    earlier: Earlier | None = None,
) -> ReturnInputs:
    return ReturnInputs(kind, last_quarter, allocations, tuple(fundings), tuple(entries), earlier or Earlier())


def document(given: ReturnInputs | None = None, **changes: object) -> ReturnDocument:
    """A drafted return over the inputs; ``changes`` replace fields of the document."""
    given = given or inputs()
    fundings = {funding.ref: funding for funding in given.fundings}
    entries = tuple(
        EntryLine(
            seq=fact.seq,
            funding_ref=fact.funding_ref,
            funding_title=fundings[fact.funding_ref].title,
            category=fundings[fact.funding_ref].category,
            quarter=fact.quarter,
            kind_label=fact.kind.value.capitalize(),
            spent_on=quarter_start(FY, fact.quarter) + dt.timedelta(days=fact.seq % 80),
            document=f"INV-{100_000 + fact.seq}",
            pence=fact.pence,
            eligible=fact.eligible,
            adjustment=fact.quarter in given.earlier.closed_quarters and fact.seq > 100,
        )
        for fact in given.entries
        if fact.quarter <= given.last_quarter
    )
    made = ReturnDocument(
        grant_name="Serious Violence Duty 2025/26",
        grant_ref="SVD-2025",
        agreement_ref="HO/SVD/DOR/2025-26",
        funder="Home Office",
        area_name="Dorset",
        holder_name="Dorset Community Safety Partnership",
        accountable_body="Dorset Council",
        fy=FY,
        last_quarter=given.last_quarter,
        period_label=quarter_label(FY, given.last_quarter),
        kind_label="In-year return",
        status_label="Draft",
        revision_label="Draft, build 3",
        prepared_by="Finance officer, Dorset Council",
        prepared_on=dt.date(2025, 7, 14),
        certified_by=None,
        certified_post=None,
        certified_at=None,
        statement=STATEMENT,
        built_at=dt.datetime(2025, 7, 14, 9, 30, tzinfo=dt.UTC),
        figures=calculate_return(given),
        explanations={"D25-03": "The licence for the second year was paid in April to keep the 2024 price."},
        match=MATCH,
        entries=entries,
        checks=CHECKS,
        audit_seq=412,
        audit_hash="9f2c" * 16,
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def certified(given: ReturnInputs | None = None) -> ReturnDocument:
    return document(
        given,
        status_label="Certified",
        revision_label="Revision 1",
        certified_by="A. Treasurer",
        certified_post="Chief finance officer (section 151 officer)",
        certified_at=dt.datetime(2025, 7, 21, 14, 5, tzinfo=dt.UTC),
        checks=(),
    )


PASSED = ("Ceilings", "Ledger lines waiting", "Control totals", "Output missing")
PROGRESS = (
    PlanLineProgress(
        "D25-02",
        "Specialist nurse, emergency department",
        "The nurse saw every young person who came in with a stab wound; two were taken on by the youth service. "
        "Training for ward staff was put off to the next quarter, because the trainer was ill.",
        "One post ends in March: without cover, weekends fall away.",
        (
            OutputProgress("Young people seen within a day", False, 120, {1: 31, 2: 28}, {}),
            OutputProgress("Of them, referred on", True, 6_000, {1: 5_483, 2: None}, {2: "The clinic's count is late"}),
        ),
        (
            MilestoneProgress("Nurse in post", "Reached on 3 June 2025"),
            MilestoneProgress("Evaluation commissioned", "Due on 30 September 2025, not reached yet"),
        ),
    ),
    PlanLineProgress("D25-05", "Level-Up", outputs=(OutputProgress("Sessions held", False, None, {1: None}, {}),)),
)


def full() -> ReturnDocument:
    """A certified second quarter with something to say on every sheet."""
    made = certified(with_adjustments())
    line = made.figures.lines[3]
    changes = Changes(
        "revision 1",
        (
            FigureChange(line.ref, line.title, "spent", 1, line.spent_by_quarter[1] - 640_00, line.spent_by_quarter[1]),
            FigureChange(line.ref, line.title, "outturn", 0, None, line.outturn),
            FigureChange("D25-99", "A line that is gone", "to_date", 0, 12_00, None),
            FigureChange("", "Total", "to_date", 0, made.figures.total.to_date - 640_00, made.figures.total.to_date),
        ),
        {line.ref: "An invoice of June came in August, after the return was certified."},
    )
    return dataclasses.replace(
        made,
        revision_label="Revision 2",
        deputy_for="B. Director, strategic finance",
        checks=(dataclasses.replace(CHECKS[0], accepted="Accepted by F. Officer on 10 July 2025: agreed locally."),),
        passed=PASSED,
        progress=PROGRESS,
        changes=changes,
    )


def papers() -> ReturnDocument:
    """The working papers of ``full``, and a payee whose name begins like a formula."""
    made = full()
    entries = [
        FullEntry(entry.seq, "=Supplier & Sons", "Room hire", "", "F. Officer", f"ledger.csv, row {entry.seq}")
        for entry in made.entries
    ]
    return dataclasses.replace(made, full_entries=entries, working_copy=True)


def with_adjustments() -> ReturnInputs:
    """A second quarter whose first, closed, had a late invoice and a credit; the claim of one line goes down."""
    late = (
        entry(101, "D25-04", 1, 640_00),
        entry(102, "D25-05", 1, -2_000_01),
        entry(103, "D25-01", 2, 11_900_00),
        entry(104, "D25-03", 2, 1_250_25),
        entry(105, "D25-05", 2, 15_00),
    )
    first = calculate_return(inputs())
    earlier = Earlier(
        closed_quarters=frozenset({1}),
        reported={(line.ref, 1): line.spent_by_quarter[1] for line in first.lines},
        adjusted={},
        claimed={line.ref: line.claimed_to_date for line in first.lines},
    )
    return inputs(2, entries=(*ENTRIES, *late), earlier=earlier)


def over_ceiling() -> ReturnInputs:
    """Fundings that pass their allocation: claims are held to it, by shares."""
    return inputs(allocations={LABOUR: 20_000_00, NON_LABOUR: 69_290_00})


def missing_forecast() -> ReturnInputs:
    changed = [
        dataclasses.replace(each, forecast={2: 500_00, 3: 500_00} if each.ref == "D25-05" else each.forecast)
        for each in FUNDINGS
    ]
    return inputs(fundings=changed)


def negative_claim() -> ReturnInputs:
    """Everything of quarter 1 is credited back in quarter 2 on one line, and its funding is cut below nought."""
    given = with_adjustments()
    back = (
        entry(110, "D25-02", 2, -17_900_00),
        entry(111, "D25-03", 2, -25_000_00),
        entry(112, "D25-01", 2, -11_900_00),
    )
    return dataclasses.replace(given, entries=(*given.entries, *back))


def provisional() -> ReturnInputs:
    entries = [*ENTRIES, *(entry(20 + q, "D25-02", q, 14_000_00 + q) for q in (2, 3, 4))]
    return inputs(4, kind=ObligationKind.PROVISIONAL, entries=entries)


def fourteen_lines() -> ReturnInputs:
    """Fourteen fundings, one with a very long name, one that has not spent, one of nought pounds."""
    names = [
        "A project whose title goes on, as titles do when three partners each added a clause to it, and then a fourth"
    ]
    names += [f"Intervention number {n}" for n in range(2, 15)]
    fundings = [
        funding(n, name, LABOUR if n < 6 else NON_LABOUR, 0 if n == 9 else 9_000 + 1_013 * n)
        for n, name in enumerate(names, 1)
    ]
    entries = [entry(n, f"D25-{n:02d}", 1, 1_234_56 + 7_77 * n) for n in range(1, 15) if n not in (5, 9)]
    return inputs(fundings=fundings, entries=entries, allocations={LABOUR: 80_000_00, NON_LABOUR: 190_000_00})


def many(count: int) -> ReturnInputs:
    return inputs(entries=[entry(n, f"D25-{1 + n % 5:02d}", 1, 100 + n * 37 % 9_999) for n in range(1, count + 1)])


def no_entries() -> ReturnInputs:
    return inputs(entries=())


def no_fundings() -> ReturnInputs:
    return inputs(fundings=(), entries=())


def final() -> ReturnInputs:
    """A final after a provisional: no quarter of its own, one credit of quarter 4 as an adjustment."""
    before = provisional()
    figures = calculate_return(before)
    earlier = Earlier(
        closed_quarters=frozenset({1, 2, 3, 4}),
        reported={
            (line.ref, quarter): line.spent_by_quarter[quarter] for line in figures.lines for quarter in QUARTERS
        },
        adjusted={},
        claimed={line.ref: line.claimed_to_date for line in figures.lines},
    )
    late = entry(130, "D25-02", 4, -250_00, EntryKind.REVERSAL)
    return inputs(4, kind=ObligationKind.FINAL, entries=(*before.entries, late), earlier=earlier)


def area(*, missing: bool = False, nobody: bool = False) -> AreaDocument:
    """Dorset, BCP and the OPCC's own; BCP runs two of Dorset's interventions and one of its own."""
    bcp_fundings = (
        dataclasses.replace(funding(2, "Specialist nurse (BCP)", LABOUR, 40_000), ref="B25-01"),
        dataclasses.replace(funding(4, "MVP in BCP schools", NON_LABOUR, 31_000, {2: 0, 3: 100_00}), ref="B25-02"),
        dataclasses.replace(funding(6, "Detached youth work", NON_LABOUR, 8_000), ref="B25-03"),
    )
    bcp_entries = (entry(1, "B25-01", 1, 9_999_99), entry(2, "B25-02", 1, 7_000_01), entry(3, "B25-03", 1, -12_34))
    bcp = inputs(fundings=bcp_fundings, entries=bcp_entries, allocations={LABOUR: 40_000_00, NON_LABOUR: 40_000_00})
    opcc = inputs(
        fundings=(dataclasses.replace(funding(1, "Strategic needs assessment", LABOUR, 10_000), ref="O25-01"),),
        entries=(entry(1, "O25-01", 1, 2_500_00),),
        allocations={LABOUR: 10_000_00},
    )
    shared = {
        "D25-02": "Specialist nurse",
        "B25-01": "Specialist nurse",
        "D25-04": "Healthy relationships and MVP",
        "B25-02": "Healthy relationships and MVP",
    }
    given = {
        "BCP": ("Bournemouth, Christchurch and Poole Community Safety Partnership", bcp),
        "DOR": ("Dorset Community Safety Partnership", inputs()),
        "PCC": ("Office of the Police and Crime Commissioner", opcc),
    }
    recorded = {"BCP": {LABOUR: 40_000_00, NON_LABOUR: 39_000_00}, "DOR": ALLOCATIONS, "PCC": {LABOUR: 10_000_00}}
    absent = set(given) if nobody else {"BCP"} if missing else set()
    members = [
        AreaMemberFigures(
            ref,
            name,
            None if ref in absent else calculate_return(held),
            "The return is not certified yet" if ref in absent else None,
            shared,
            recorded[ref],
        )
        for ref, (name, held) in given.items()
    ]
    state = HolderState(
        "Revision 1", "A. Treasurer", "Chief finance officer", dt.datetime(2025, 7, 21, 14, 5, tzinfo=dt.UTC)
    )
    return AreaDocument(
        grant_name="Serious Violence Duty 2025/26",
        grant_ref="SVD-2025",
        agreement_ref="HO/SVD/DOR/2025-26",
        funder="Home Office",
        area_name="Dorset",
        lead_name="Office of the Police and Crime Commissioner for Dorset",
        fy=FY,
        last_quarter=1,
        period_label=quarter_label(FY, 1),
        kind_label="In-year return",
        revision_label="Join 2",
        prepared_by="OPCC officer",
        prepared_on=dt.date(2025, 7, 25),
        built_at=dt.datetime(2025, 7, 25, 10, 0, tzinfo=dt.UTC),
        figures=join_area(members),
        states={ref: state for ref in given if ref not in absent},
        short_names={"BCP": "BCP CSP", "DOR": "Dorset CSP"},
        audit_seq=431,
        audit_hash="77ab" * 16,
    )


def large_sums() -> ReturnInputs:
    """Tens of millions, over and under, with spend to the penny."""
    fundings = (
        funding(1, "A county's whole programme", LABOUR, 98_765_432),
        funding(2, "Another", NON_LABOUR, 12_345_678),
    )
    entries = (entry(1, "D25-01", 1, 88_888_888_88), entry(2, "D25-02", 1, -77_777_777_77))
    return inputs(fundings=fundings, entries=entries, allocations={LABOUR: 98_765_432_00, NON_LABOUR: 12_345_678_00})
