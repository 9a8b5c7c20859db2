"""Audit lines in words, for the history panel of a record and the audit page."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from svd_tracker.accounts import queries
from svd_tracker.act import Source
from svd_tracker.audit.models import AuditLine
from svd_tracker.periods import fy_label

_VERBS = {
    "accept_late": "Accepted, though it came late,",
    "accepted": "Accepted",
    "accept_warning": "Accepted a warning of",
    "add": "Added",
    "add_assessor": "Added an assessor to",
    "add_rule": "Added a rule of",
    "add_option": "Made an option for the",
    "agree": "Recorded that a body agreed to",
    "allocate": "Changed the allocations of",
    "answer_checks": "Answered the checks of",
    "another_cost": "Told from a typed entry:",
    "apply_rules": "Placed by the rules:",
    "approve": "Approved",
    "as_workbook": "Said that a workbook comes for",
    "attach_file": "Attached a file to",
    "build": "Built",
    "carry": "Carried on",
    "certify": "Certified",
    "change": "Changed",
    "change_dates": "Changed the dates of",
    "change_option": "Changed an option for the",
    "change_password": "Changed the password of",
    "change_profile": "Changed the profile of",
    "change_rule": "Changed a rule of",
    "checked": "Checked",
    "choose_mail": "Chose the reminders of",
    "choose_option": "Chose an option for the",
    "clear_interest": "Cleared an interest in",
    "close": "Closed",
    "confirmed": "Confirmed",
    "copy_option": "Copied an option for the",
    "copy_scheme": "Copied an earlier scheme to",
    "decide": "Decided on",
    "declare_interest": "Declared an interest in",
    "declare_organisation_interest": "Declared an interest in an organisation of",
    "delegate": "Named a deputy for the certifier of",
    "delete_option": "Deleted an option for the",
    "delivered": "Recorded as delivered:",
    "drop": "Dropped an accrual of",
    "edit": "Edited",
    "end_delegation": "Ended the time of a deputy of",
    "end_role": "Ended a role of",
    "enter_paper": "Typed in from paper:",
    "end_stand_in": "Ended the time of a stand-in of",
    "explain": "Said why a line changed of",
    "finish_interests": "Finished declaring interests in",
    "finish_organisations": "Went through the organisations of",
    "forecast": "Forecast",
    "from_ledger": "Said that no workbook comes for",
    "grant_role": "Gave a role to",
    "income": "Took as income:",
    "issue_letter": "Issued a letter on",
    "join": "Joined",
    "leave_out": "Left out",
    "make_link": "Made a personal link to",
    "moderate": "Recorded an agreed mark for",
    "move_to_deciding": "Closed scoring of",
    "move_to_open": "Opened for proposals:",
    "move_to_preparing": "Went back to preparing",
    "move_to_published": "Published the decisions of",
    "move_to_scoring": "Opened scoring of",
    "name_stand_in": "Named a stand-in for a coordinator of",
    "name_substitute": "Named a substitute for an assessor of",
    "new_terms": "New terms of",
    "note": "Noted what was said of",
    "open": "Opened",
    "open_link": "Opened, with its code,",
    "open_calendar": "Opened the calendar of",
    "pay": "Recorded a payment:",
    "place": "Placed",
    "post": "Posted to",
    "promise": "Promised:",
    "put_back": "Put back",
    "put_scores_back": "Put back into the mean, after a ruling, the",
    "queried": "Queried",
    "reached": "Reached",
    "reallocate": "Decided on",
    "receive": "Received",
    "received": "Recorded as received:",
    "record_agreement": "Recorded the delivery agreement of",
    "record_certificate": "Recorded the certificate of",
    "record_result": "Recorded a result of",
    "refuse": "Refused",
    "refuse_late": "Refused, because it came late,",
    "remind": "Reminded those who have not sent:",
    "remove_assessor": "Took an assessor out of",
    "remove_criterion": "Removed a criterion of",
    "reopen": "Reopened",
    "reopened": "Opened again",
    "report_chairs_action": "Reported the chair’s action on",
    "request": "Asked for",
    "reset_password": "Gave a new password to",
    "retire": "Retired",
    "retire_rule": "Retired a rule of",
    "return": "Returned for correction:",
    "reverse": "Reversed an entry of",
    "revoke_link": "Revoked a personal link to",
    "rule_interest": "Ruled on an interest in",
    "save": "Saved",
    "save_checks": "Saved the checks of",
    "save_criterion": "Saved a criterion of",
    "save_letter_words": "Changed the words of",
    "save_scheme": "Saved the scheme of",
    "send": "Sent",
    "send_code": "Sent a code for",
    "send_link": "Sent a personal link to",
    "send_again": "Let be sent again:",
    "sent": "Recorded as sent:",
    "sent_back": "Sent back",
    "set_award": "Set an award of",
    "set_eligible": "Let take part after all:",
    "set_ineligible": "Set aside as ineligible:",
    "set_chair": "Named the chair of",
    "set_up_year": "Set up a year of",
    "settle": "Settled with what was typed:",
    "settle_condition": "Settled a condition of",
    "share": "Settled the money of",
    "share_costs": "Said who shares the costs of",
    "slipped": "Slipped:",
    "submit": "Submitted",
    "submit_late": "Handed in late:",
    "take_back_acceptance": "Took back the acceptance of a warning of",
    "take_back_agreed": "Took back an agreed mark for",
    "take_back_payment": "Took back a payment:",
    "take_file_away": "Took a file away from",
    "take_option_back": "Took back the choice of an option for the",
    "taken_in": "Took in",
    "turn_off_analysis": "Turned off how sure the ranking is, for",
    "turn_on_analysis": "Turned on how sure the ranking is, for",
    "withdraw_scores": "Took out of the mean, because of an interest, the",
    "withdraw": "Withdrew",
    "write_feedback": "Wrote the feedback on",
    "wrong_code": "Was given a wrong code for",
    "write_progress": "Wrote how it went:",
}
_THINGS = {
    "decision": "proposal",
    "finance_return": "return",
    "letter_template": "letter",
    "partner_return": "partner's workbook",
    "return_revision": "return",
    "obligations": "returns",
    "personal_link": "personal link",
    "upload": "ledger file",
}


BY_LINK = "The proposer, by a personal link"
_RETURN = re.compile(r"(\d{4})-\d\d-(Q\d|provisional|final)(?:-.+)?")  # what is last in a return's ref
_QUARTERS = re.compile(r"(\d{4})-(Q\d(?:-Q\d)*)")


@dataclass(frozen=True)
class HistoryLine:
    at: dt.datetime
    who: str
    what: str


def words_of(line: AuditLine) -> str:
    """An audit line in words: "Added holder bcp"."""
    thing = _THINGS.get(line.subject_type, line.subject_type).replace("_", " ")
    return f"{_verb(line.action)} {thing} {_short_ref(line)}".rstrip()


def _short_ref(line: AuditLine) -> str:
    """The ref without what it stands under. A decision's is its proposal's, with the holder who decided behind it.

    Nothing for a funding line: its page is that of one round and partnership.
    """
    if line.subject_type == "funding_line":
        return ""
    parts = line.subject_ref.split("/")
    return parts[-2] if line.subject_type == "decision" else parts[-1]


def _verb(action: str) -> str:
    return _VERBS.get(action) or f"{action.replace('_', ' ').capitalize()}:"


def as_news(lines: Sequence[AuditLine], most: int) -> list[HistoryLine]:
    """Lines for a first page, newest first: a run of the same act by the same person on one day is said once."""
    names, holders = queries.names_of_all(line.actor_id for line in lines)
    news = []
    same_act = groupby(lines, key=lambda line: (line.action, line.subject_type, line.actor_id, line.at.date()))
    for (action, subject_type, _, _), run in same_act:
        found = list(run)
        thing = _THINGS.get(subject_type, subject_type).replace("_", " ")
        many = len({line.subject_ref for line in found})
        what = _named(found[0], thing, holders) if many == 1 else f"{many} {thing}s"
        news.append(HistoryLine(found[0].at, _who(found[0], names), f"{_verb(action)} {what}"))
    return news[:most]


def _named(line: AuditLine, thing: str, holders: Mapping[int, str]) -> str:
    """What a line is about by its name: the period and holder of a return, never its ref."""
    ref, name = _short_ref(line), holders.get(line.holder_id or 0, "")
    of = f" of {name}" if name else ""
    if line.subject_type == "holder" and name:
        return name
    if line.subject_type in ("finance_return", "area_return", "partner_return") and (found := _RETURN.fullmatch(ref)):
        year, part = fy_label(int(found[1])), found[2].capitalize()
        return f"the {part} {year} {thing}{of}"
    if line.subject_type == "quarter" and (found := _QUARTERS.fullmatch(ref)):
        return f"{found[2].replace('-', ' and ')} {fy_label(int(found[1]))}{of}"
    if line.subject_type == "funding_line":
        return f"{thing}{of}"
    if line.subject_type in ("plan_line", "output", "milestone", "funding"):
        return f"{thing} {ref}{of}"
    return f"{thing} {ref}"


def _who(line: AuditLine, names: Mapping[int | None, str]) -> str:
    """Who acted. Nobody signed in does anything on a page but by a personal link."""
    if line.actor_id is None and line.source is Source.PAGE:
        return BY_LINK
    return names.get(line.actor_id, "Somebody no longer here")


def as_history(lines: Sequence[AuditLine]) -> list[HistoryLine]:
    """Lines for components/history.html, with the names of who acted, in one query. A run of the same is said once."""
    names = queries.person_names(line.actor_id for line in lines)
    history = []
    for (what, _, _), run in groupby(lines, key=lambda line: (words_of(line), line.actor_id, line.at.date())):
        found = list(run)
        times = f" ({len(found)} times)" if len(found) > 1 else ""
        history.append(HistoryLine(found[0].at, _who(found[0], names), what + times))
    return history
