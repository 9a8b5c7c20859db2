"""Every route of ours with its permission, and the closed list of the libraries' own."""

import pytest
from flask import Flask

from svd_tracker.accounts.permissions import Permission

pytestmark = pytest.mark.db

LIBRARY = {
    "static",
    "security.static",
    "security.login",
    "security.logout",
    "security.change_password",
}
PUBLIC = {"web.accessibility", "web.brand"}

TABLE = {
    "accounts.account": "signed_in",
    "accounts.add_person": "manage_people",
    "accounts.add_role": "manage_people",
    "accounts.deputies": "view_deputies",
    "accounts.edit_person": "manage_people",
    "accounts.end_deputy": "name_deputy",
    "accounts.end_role": "manage_people",
    "accounts.home": "signed_in",
    "accounts.name_deputy": "name_deputy",
    "accounts.people": "manage_people",
    "accounts.person": "manage_people",
    "accounts.reset_password": "manage_people",
    "accounts.set_active": "manage_people",
    "accounts.settings": "manage_settings",
    "approvals.agree": "manage_grant",
    "approvals.show": "view_grant",
    "audit.download": "view_audit",
    "audit.index": "view_audit",
    "decisions.decide": "decide",
    "decisions.index": "view_decisions",
    "decisions.index_csv": "view_decisions",
    "decisions.settle": "decide",
    "decisions.show": "view_decisions",
    "delivery.attach_file": "manage_plan",
    "delivery.evidence_file": "view_finance",
    "delivery.match": "view_plan",
    "delivery.match_csv": "view_plan",
    "delivery.milestone": "view_plan",
    "delivery.new_match": "manage_plan",
    "delivery.new_match_event": "manage_plan",
    "delivery.new_milestone": "manage_plan",
    "delivery.new_milestone_event": "manage_plan",
    "delivery.new_output": "manage_plan",
    "delivery.progress": "manage_plan",
    "delivery.take_file_away": "manage_plan",
    "demo.date": "signed_in",
    "finance.accruals": "view_finance",
    "finance.accrue_again": "post_entry",
    "finance.control_total": "post_entry",
    "finance.attach_to_entry": "post_entry",
    "finance.direct_decision": "open_funding",
    "finance.entry_file": "view_finance",
    "finance.entry_files": "view_finance",
    "finance.forecast": "forecast",
    "finance.funding": "view_finance",
    "finance.begin_again": "post_entry",
    "finance.changed_lines": "view_finance",
    "finance.columns": "post_entry",
    "finance.import_file": "view_finance",
    "finance.ledger_file": "view_finance",
    "finance.ledger_file_progress": "view_finance",
    "finance.marked_upload": "view_finance",
    "finance.receive_file": "post_entry",
    "finance.take_in": "post_entry",
    "finance.upload_file": "view_finance",
    "finance.withdraw_upload": "post_entry",
    "finance.apply_rules": "post_entry",
    "finance.cost_sharing": "manage_plan",
    "finance.drop_released": "post_entry",
    "finance.line": "view_finance",
    "finance.new_rule": "post_entry",
    "finance.place_line": "post_entry",
    "finance.place_lines": "post_entry",
    "finance.put_line_back": "post_entry",
    "finance.queue": "view_finance",
    "finance.queue_csv": "view_finance",
    "finance.record_received": "manage_plan",
    "finance.retire_placement_rule": "post_entry",
    "finance.rule": "post_entry",
    "finance.rules": "view_finance",
    "finance.settle_line": "post_entry",
    "finance.undo_placing": "post_entry",
    "finance.index": "view_finance",
    "finance.ledger": "view_finance",
    "finance.ledger_csv": "view_finance",
    "finance.ledger_lines": "view_finance",
    "finance.ledger_lines_csv": "view_finance",
    "finance.moves": "view_moves",
    "finance.moves_csv": "view_moves",
    "finance.moves_workbook": "view_moves",
    "finance.new_entry": "post_entry",
    "finance.new_virement": "request_virement",
    "finance.approve_virement": "approve_virement",
    "finance.reallocate": "manage_grant",
    "finance.reallocation": "view_moves",
    "finance.refuse_virement": "approve_virement",
    "finance.undo_virement": "request_virement",
    "finance.virement": "view_moves",
    "finance.withdraw_virement": "request_virement",
    "finance.reconciliation": "view_finance",
    "finance.reconciliation_xlsx": "view_finance",
    "finance.reconciliation_year": "view_finance",
    "finance.profile": "forecast",
    "finance.reverse": "post_entry",
    "finance.take_entry_file_away": "post_entry",
    "finance.upload": "view_finance",
    "finance.year": "view_finance",
    "finance.year_csv": "view_finance",
    "grants.add": "manage_grant",
    "grants.allocate": "manage_grant",
    "grants.change_rule": "manage_grant",
    "grants.copy_year": "manage_grant",
    "grants.edit_terms": "manage_grant",
    "grants.index": "view_grant",
    "grants.new_rule": "manage_grant",
    "grants.retire_rule": "manage_grant",
    "grants.rules": "view_grant",
    "grants.set_award": "manage_grant",
    "grants.show": "view_grant",
    "grants.year": "view_grant",
    "jobs.index": "view_jobs",
    "jobs.run": "run_jobs",
    "mail.again": "run_jobs",
    "mail.choice": "signed_in",
    "mail.index": "run_jobs",
    "mail.index_csv": "run_jobs",
    "mail.mine": "signed_in",
    "mail.mine_csv": "signed_in",
    "mail.show": "signed_in",
    "members.download": "view_plan",
    "members.fill_in": "manage_plan",
    "members.index": "view_plan",
    "members.plan": "view_plan",
    "members.plan_line": "view_plan",
    "members.progress": "view_plan",
    "members.progress_csv": "view_plan",
    "proposals.add": "propose",
    "proposals.check": "propose",
    "proposals.clear": "manage_round",
    "proposals.declare": "declare_interest",
    "proposals.download": "view_proposal",
    "proposals.edit": "propose",
    "proposals.give_back": "manage_round",
    "proposals.index": "view_proposal",
    "proposals.interests": "declare_interest",
    "proposals.show": "view_proposal",
    "proposals.version": "view_proposal",
    "proposals.withdraw": "propose",
    "returns.area_index": "view_area_return",
    "returns.area_join": "join_area_return",
    "returns.area_period": "view_area_return",
    "returns.area_show": "view_area_return",
    "returns.audit_bundle": "take_audit_bundle",
    "returns.audit_bundles": "take_audit_bundle",
    "returns.audit_bundle": "take_audit_bundle",
    "returns.audit_bundles": "take_audit_bundle",
    "returns.build": "prepare_return",
    "returns.certify": "certify_return",
    "returns.change_dates": "manage_calendar",
    "returns.check": "prepare_return",
    "returns.entry": "view_finance",
    "returns.figure": "view_certified_return",
    "returns.figure_csv": "view_certified_return",
    "returns.file": "view_certified_return",
    "returns.index": "view_certified_return",
    "returns.open_calendar": "manage_calendar",
    "returns.send_back": "view_return",
    "returns.show": "view_certified_return",
    "rounds.add": "manage_round",
    "rounds.add_criterion": "manage_round",
    "rounds.assessors": "manage_round",
    "rounds.copy_scheme": "manage_round",
    "rounds.criterion": "manage_round",
    "rounds.edit": "manage_round",
    "rounds.index": "view_round",
    "rounds.move": "manage_round",
    "rounds.preview": "view_round",
    "rounds.remove_assessor": "manage_round",
    "rounds.remove_criterion": "manage_round",
    "rounds.scheme": "view_round",
    "rounds.shares": "manage_round",
    "rounds.show": "view_round",
    "scoring.assess": "score",
    "scoring.index": "view_ranking",
    "scoring.ranking": "view_ranking",
    "scoring.ranking_csv": "view_ranking",
    "scoring.reopen": "manage_round",
    "scoring.scores": "view_ranking",
    "scoring.send": "score",
    "web.accessibility": "public",
    "web.brand": "public",
}


def permissions(app: Flask) -> dict[str, Permission | None]:
    return {
        rule.endpoint: getattr(app.view_functions[rule.endpoint], "permission", None)
        for rule in app.url_map.iter_rules()
    }


def test_every_route_of_ours_has_a_permission(app: Flask) -> None:
    bare = {endpoint for endpoint, permission in permissions(app).items() if permission is None}
    assert bare == LIBRARY


def test_only_two_pages_are_for_everybody(app: Flask) -> None:
    open_to_all = {endpoint for endpoint, permission in permissions(app).items() if permission is Permission.PUBLIC}
    assert open_to_all == PUBLIC


def test_every_route_stands_in_the_table(app: Flask) -> None:
    """A new or moved route is added here by hand, with the permission it is meant to have."""
    assert {name: permission.value for name, permission in permissions(app).items() if permission} == TABLE


def test_every_route_of_one_record_has_a_scope(app: Flask) -> None:
    """An address that names a record leads to where it lives; people and settings are the installation's own."""
    bare = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.arguments and getattr(app.view_functions[rule.endpoint], "scope", None) is None
    }
    of_the_installation = {name for name in bare if name.startswith("accounts.")}
    assert bare - of_the_installation == {"static", "security.static"}
