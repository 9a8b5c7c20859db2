"""What a role reaches: its own holder, the area's own records, never another holder's."""

import pytest

from svd_tracker.accounts.models import Role
from svd_tracker.accounts.permissions import ROLES_WITH, Access, HeldRole, Permission, Scope

pytestmark = pytest.mark.unit

AREA, OTHER_AREA = 1, 2
DORSET, BCP, FAR = 11, 12, 21
HOLDERS = ((DORSET, AREA), (BCP, AREA), (FAR, OTHER_AREA))


def access(*roles: HeldRole) -> Access:
    return Access(5, roles, HOLDERS)


def test_a_holders_role_reaches_its_holder_and_the_areas_own_records() -> None:
    officer = access(HeldRole(Role.FINANCE_OFFICER, AREA, DORSET))
    assert officer.may(Permission.POST_ENTRY, Scope(AREA, DORSET))
    assert officer.may(Permission.VIEW_GRANT, Scope(AREA))
    assert not officer.may(Permission.POST_ENTRY, Scope(AREA, BCP))
    assert not officer.may(Permission.VIEW_GRANT, Scope(OTHER_AREA))
    assert officer.holder_ids(Permission.VIEW_FINANCE) == {DORSET}
    assert officer.area_ids(Permission.VIEW_GRANT) == {AREA}


def test_an_areas_role_reaches_every_holder_of_the_area() -> None:
    auditor = access(HeldRole(Role.AUDITOR, AREA))
    assert auditor.holder_ids(Permission.VIEW_FINANCE) == {DORSET, BCP}
    assert not auditor.may(Permission.VIEW_FINANCE, Scope(OTHER_AREA, FAR))
    assert not auditor.may(Permission.POST_ENTRY, Scope(AREA, DORSET))


def test_a_rounds_role_reaches_that_round_alone() -> None:
    assessor = access(HeldRole("assessor", AREA, None, 7))
    assert assessor.may(Permission.SCORE, Scope(AREA, None, 7))
    assert not assessor.may(Permission.SCORE, Scope(AREA, None, 8))
    assert not assessor.may(Permission.VIEW_PROPOSAL, Scope(AREA))
    assert assessor.round_ids(Permission.SCORE) == {7}
    assert assessor.holder_ids(Permission.VIEW_PROPOSAL) == frozenset()


def test_a_stand_in_reaches_their_holder_in_that_round_alone() -> None:
    stand_in = access(HeldRole(Role.COORDINATOR, AREA, DORSET, 7))
    assert stand_in.may(Permission.PLAN_LINE, Scope(AREA, DORSET, 7))
    assert stand_in.may(Permission.MANAGE_ROUND, Scope(AREA, None, 7))
    assert not stand_in.may(Permission.PLAN_LINE, Scope(AREA, BCP, 7))
    assert not stand_in.may(Permission.PLAN_LINE, Scope(AREA, DORSET, 8))
    assert not stand_in.may(Permission.MANAGE_PLAN, Scope(AREA, DORSET))


def test_an_administrator_sees_no_scores_and_certifies_nothing() -> None:
    mine = {permission for permission, roles in ROLES_WITH.items() if Role.ADMINISTRATOR in roles}
    assert mine == {
        Permission.MANAGE_PEOPLE,
        Permission.MANAGE_SETTINGS,
        Permission.VIEW_SETTINGS,
        Permission.VIEW_AUDIT,
        Permission.VIEW_JOBS,
        Permission.RUN_JOBS,
    }


def test_an_auditor_changes_nothing() -> None:
    mine = {permission.value for permission, roles in ROLES_WITH.items() if Role.AUDITOR in roles}
    assert all(name.startswith("view_") for name in mine)


def test_every_permission_is_somebodys() -> None:
    assert set(Permission) - set(ROLES_WITH) == {Permission.PUBLIC, Permission.SIGNED_IN}
    assert all(ROLES_WITH.values())
