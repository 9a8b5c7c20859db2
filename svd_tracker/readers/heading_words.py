"""The words that councils head the columns of their ledgers with (DOMAIN.md section 7), best first."""

import re
from collections.abc import Mapping

FIELDS: Mapping[str, str] = {
    "posted_on": "Posting date",
    "period": "Accounting period",
    "document": "Document number",
    "cost_centre": "Cost centre",
    "account": "Account",
    "project": "Project",
    "supplier": "Supplier",
    "text": "Description",
    "net": "Net amount",
    "vat": "Irrecoverable VAT",
    "debit": "Debit",
    "credit": "Credit",
    "sign": "Debit or credit mark",
    "kind": "Document type",
    "funding": "Our funding reference",
}

_GIVEN: Mapping[str, str] = {
    "posted_on": "posting date, date posted, pstng date, accounting date, gl date, general ledger date, effective date,"
    " transaction date, trans date, journal date, ledger date, entry date, date, clearing date, payment date,"
    " paid date",
    "period": "accounting period, posting period, fiscal period, financial period, acc period, fin period, period,"
    " period no, period number, period name, year period, fiscal year period, per, posting month, month",
    "document": "document no, document number, doc no, doc number, document, voucher no, voucher number, voucher,"
    " transaction number, transaction no, transaction id, trans no, internal ref, internal reference, journal no,"
    " journal number, document reference, our reference, invoice number, invoice no, reference, ref",
    "cost_centre": "cost centre, cost center, cost centre code, cost center code, cost ctr, cost c, costc,"
    " responsible unit, budget centre, service division, expense area, cost centre name, department, service",
    "account": "account, account code, gl account, g l account, account no, account number, cost element, subjective,"
    " subjective code, nominal, nominal code, expense code, cipfa expenditure code, detail code,"
    " expenditure code, natural account, detailed expense type, expense type, account description",
    "project": "project, project code, project no, project number, job code, job, wbs element, wbs, internal order,"
    " work order, order, analysis code, activity code, activity",
    "supplier": "supplier name, supplier, vendor name, vendor, beneficiary name, beneficiary, creditor name, creditor,"
    " payee name, payee, merchant name, merchant",
    "text": "description, line description, transaction description, item text, text, narrative, long description,"
    " journal description, summary of purpose, purpose, details, particulars, comment, comments",
    "net": "net amount, amount net, net value, net, amount exc vat, amount excl vat, amount ex vat,"
    " amount excluding vat, amount in local currency, amount in lc, amount in local cur, base amount, line amount,"
    " transaction amount, amount, value, actual, actuals, cost, total amount, total",
    "vat": "irrecoverable vat, vat irrecoverable, irrecoverable vat amount, non recoverable vat, nonrecoverable vat,"
    " unrecoverable vat",
    "debit": "debit, debit amount, debits, dr, dr amount, accounted debit, accounted dr, entered dr",
    "credit": "credit, credit amount, credits, cr, cr amount, accounted credit, accounted cr, entered cr",
    "sign": "d c, dc, dr cr, debit credit, debit or credit, debit credit ind, debit credit indicator, dc indicator,"
    " dr cr indicator, debit or credit mark, sign",
    "kind": "document type, doc type, journal type, transaction type, trans type, jnl type, type, kind, journal source,"
    " source, tt",
    "funding": "our funding reference, our funding ref, funding reference, funding ref, funding",
}
_KNOWN_AND_NOT_USED = (
    "invoice date, document date, doc date, due date, tax date, vat, vat amount, tax, tax code, vat code, gross,"
    " gross amount, amount inc vat, currency, quantity, qty, user, user name, entered by, batch, line, line no, item,"
    " posting key, company code, fiscal year, year, supplier id, supplier number, vendor number, vendor no"
)
_CURRENCY = re.compile(r"(£|gbp|sterling)+$")


def normalised(heading: str) -> str:
    """A heading without what differs by accident: case, spaces, punctuation."""
    return "".join(each for each in heading.casefold() if each.isalnum() or each == "£")


def word_of(heading: str) -> str:
    """A heading as it is looked up: normalised, and without the currency at its end."""
    whole = normalised(heading)
    return _CURRENCY.sub("", whole) or whole


def _words(listed: str) -> tuple[str, ...]:
    return tuple(normalised(word) for word in listed.split(","))


WORDS: Mapping[str, tuple[str, ...]] = {field: _words(listed) for field, listed in _GIVEN.items()}
KNOWN = frozenset(word for words in WORDS.values() for word in words) | frozenset(_words(_KNOWN_AND_NOT_USED))

# The quarter never comes from the invoice's date, and VAT that can be recovered is no cost (DOMAIN.md section 3).
INVOICE_DATES = frozenset(_words("invoice date, document date, doc date, due date, tax date"))
PLAIN_VAT = frozenset(_words("vat, vat amount, tax"))
GROSS = frozenset(_words("gross, gross amount, amount inc vat"))
