"""Which role may do what. A permission is a verb on a kind of record; where it holds is decided by scope."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from svd_tracker.accounts.models import Role


class Permission(StrEnum):
    PUBLIC = "public"  # anybody, signed in or not
    SIGNED_IN = "signed_in"  # anybody signed in
    MANAGE_PEOPLE = "manage_people"
    MANAGE_SETTINGS = "manage_settings"
    VIEW_SETTINGS = "view_settings"
    VIEW_AUDIT = "view_audit"
    VIEW_AUDIT_BUNDLE = "view_audit_bundle"
    VIEW_JOBS = "view_jobs"
    RUN_JOBS = "run_jobs"
    VIEW_GRANT = "view_grant"
    MANAGE_GRANT = "manage_grant"
    VIEW_FINANCE = "view_finance"
    OPEN_FUNDING = "open_funding"
    POST_ENTRY = "post_entry"
    FORECAST = "forecast"
    VIEW_MOVES = "view_moves"
    REQUEST_VIREMENT = "request_virement"
    APPROVE_VIREMENT = "approve_virement"  # up to the free-movement limit
    APPROVE_ANY_VIREMENT = "approve_any_virement"
    VIEW_RETURN = "view_return"
    VIEW_CERTIFIED_RETURN = "view_certified_return"
    PREPARE_RETURN = "prepare_return"
    CERTIFY_RETURN = "certify_return"
    VIEW_DEPUTIES = "view_deputies"
    NAME_DEPUTY = "name_deputy"
    MANAGE_CALENDAR = "manage_calendar"
    VIEW_AREA_RETURN = "view_area_return"
    JOIN_AREA_RETURN = "join_area_return"
    VIEW_PLAN = "view_plan"
    MANAGE_PLAN = "manage_plan"
    VIEW_ROUND = "view_round"
    MANAGE_ROUND = "manage_round"
    PROPOSE = "propose"
    VIEW_PROPOSAL = "view_proposal"
    DECLARE_INTEREST = "declare_interest"
    SCORE = "score"
    VIEW_RANKING = "view_ranking"
    RULE_INTEREST = "rule_interest"
    MODERATE = "moderate"
    PLAN_LINE = "plan_line"  # what-ifs of where the money runs out
    ANALYSE = "analyse"  # how sure the ranking is, the best set: advice that is not in the papers
    VIEW_PAPERS = "view_papers"  # options, decision pack, explanations
    DECIDE = "decide"
    VIEW_DECISIONS = "view_decisions"


# Not a Role: these belong to a round (rounds.RoundAssessor, Round.chair_id).
ASSESSOR = "assessor"
CHAIR = "chair"

_R = Role
_MONEY_READERS: set[str] = {_R.COORDINATOR, _R.FINANCE_OFFICER, _R.CERTIFIER, _R.AUDITOR}
_PARTNERSHIP = _MONEY_READERS | {_R.MEMBER}

_ROLES: Mapping[Permission, Collection[str]] = {
    Permission.MANAGE_PEOPLE: {_R.ADMINISTRATOR},
    Permission.MANAGE_SETTINGS: {_R.ADMINISTRATOR, _R.OPCC_OFFICER},
    Permission.VIEW_SETTINGS: _PARTNERSHIP | {_R.ADMINISTRATOR, _R.OPCC_OFFICER},
    Permission.VIEW_AUDIT: {_R.ADMINISTRATOR, _R.AUDITOR},
    Permission.VIEW_AUDIT_BUNDLE: {_R.AUDITOR},
    Permission.VIEW_JOBS: {_R.ADMINISTRATOR, _R.OPCC_OFFICER, _R.FINANCE_OFFICER, _R.AUDITOR},
    Permission.RUN_JOBS: {_R.ADMINISTRATOR},
    Permission.VIEW_GRANT: _PARTNERSHIP | {_R.OPCC_OFFICER},
    Permission.MANAGE_GRANT: {_R.COORDINATOR, _R.OPCC_OFFICER},
    Permission.VIEW_FINANCE: _MONEY_READERS,
    Permission.OPEN_FUNDING: {_R.COORDINATOR},
    Permission.POST_ENTRY: {_R.FINANCE_OFFICER},
    Permission.FORECAST: {_R.FINANCE_OFFICER, _R.COORDINATOR},
    Permission.VIEW_MOVES: _MONEY_READERS | {_R.OPCC_OFFICER},
    Permission.REQUEST_VIREMENT: {_R.FINANCE_OFFICER, _R.COORDINATOR},
    Permission.APPROVE_VIREMENT: {_R.COORDINATOR, _R.OPCC_OFFICER},
    Permission.APPROVE_ANY_VIREMENT: {_R.OPCC_OFFICER},
    Permission.VIEW_RETURN: _MONEY_READERS,
    Permission.VIEW_CERTIFIED_RETURN: _MONEY_READERS | {_R.OPCC_OFFICER},
    Permission.PREPARE_RETURN: {_R.FINANCE_OFFICER},
    Permission.CERTIFY_RETURN: {_R.CERTIFIER},
    Permission.VIEW_DEPUTIES: {_R.CERTIFIER, _R.AUDITOR},
    Permission.NAME_DEPUTY: {_R.CERTIFIER},
    Permission.MANAGE_CALENDAR: {_R.OPCC_OFFICER},
    Permission.VIEW_AREA_RETURN: {_R.OPCC_OFFICER, _R.CERTIFIER, _R.AUDITOR},  # the OPCC's own certifier
    Permission.JOIN_AREA_RETURN: {_R.OPCC_OFFICER},
    Permission.VIEW_PLAN: _PARTNERSHIP,
    Permission.MANAGE_PLAN: {_R.COORDINATOR, _R.FINANCE_OFFICER},
    Permission.VIEW_ROUND: {
        _R.COORDINATOR,
        _R.MEMBER,
        _R.OPCC_OFFICER,
        _R.AUDITOR,
        _R.PROPOSER,
        ASSESSOR,
        CHAIR,
    },
    Permission.MANAGE_ROUND: {_R.COORDINATOR},
    Permission.PROPOSE: {_R.PROPOSER, _R.COORDINATOR},
    Permission.VIEW_PROPOSAL: {_R.COORDINATOR, _R.MEMBER, _R.AUDITOR, _R.PROPOSER, ASSESSOR, CHAIR},
    Permission.DECLARE_INTEREST: {_R.COORDINATOR, _R.MEMBER, ASSESSOR, CHAIR},
    Permission.SCORE: {ASSESSOR},
    Permission.VIEW_RANKING: {_R.COORDINATOR, _R.MEMBER, _R.AUDITOR, ASSESSOR, CHAIR},
    Permission.RULE_INTEREST: {_R.COORDINATOR, CHAIR},
    Permission.MODERATE: {_R.COORDINATOR, CHAIR},
    Permission.PLAN_LINE: {_R.COORDINATOR},
    Permission.ANALYSE: {_R.COORDINATOR},
    Permission.VIEW_PAPERS: {_R.COORDINATOR, _R.MEMBER, _R.AUDITOR, CHAIR},
    Permission.DECIDE: {_R.COORDINATOR},
    Permission.VIEW_DECISIONS: {
        _R.COORDINATOR,
        _R.MEMBER,
        _R.AUDITOR,
        _R.FINANCE_OFFICER,
        _R.CERTIFIER,
        _R.OPCC_OFFICER,
        ASSESSOR,
        CHAIR,
    },
}
ROLES_WITH: Mapping[Permission, frozenset[str]] = {permission: frozenset(roles) for permission, roles in _ROLES.items()}


@dataclass(frozen=True)
class Scope:
    """Where a record lives. An area-wide record (a grant, a round) has no holder."""

    area_id: int
    holder_id: int | None = None
    round_id: int | None = None


@dataclass(frozen=True)
class HeldRole:
    """A role that a person has today, and where. No area means the whole installation."""

    role: str
    area_id: int | None = None
    holder_id: int | None = None
    round_id: int | None = None

    def covers(self, scope: Scope) -> bool:
        if self.area_id is None:
            return True
        if self.area_id != scope.area_id:
            return False
        if self.round_id is not None and self.round_id != scope.round_id:
            return False
        if self.holder_id is not None:
            # An area-wide record is open to every holder of its area; another holder's is not (DESIGN.md rule 10).
            return scope.holder_id is None or self.holder_id == scope.holder_id
        return True


@dataclass(frozen=True)
class Access:
    """What one person may do today. ``holders`` lists every holder as (id, area id)."""

    person_id: int
    roles: tuple[HeldRole, ...]
    holders: tuple[tuple[int, int], ...]

    def may(self, permission: Permission, scope: Scope | None = None) -> bool:
        """Whether the person may, in that scope; without one, whether they may anywhere at all."""
        if permission in (Permission.PUBLIC, Permission.SIGNED_IN):
            return True
        return any(held.role in ROLES_WITH[permission] and (scope is None or held.covers(scope)) for held in self.roles)

    def holder_ids(self, permission: Permission, round_id: int | None = None) -> frozenset[int]:
        """The holders whose own records this permission reaches; in a round, also where one stands in for somebody."""
        standing_in = {
            held.holder_id
            for held in self.roles
            if held.round_id is not None and held.round_id == round_id and held.role in ROLES_WITH[permission]
        }
        return frozenset(
            holder_id
            for holder_id, area_id in self.holders
            if holder_id in standing_in or self.may(permission, Scope(area_id, holder_id))
        )

    def area_ids(self, permission: Permission) -> frozenset[int]:
        """The areas whose area-wide records this permission reaches. A round's role reaches only its round."""
        return frozenset(area_id for _, area_id in self.holders if self.may(permission, Scope(area_id)))

    def round_ids(self, permission: Permission) -> frozenset[int]:
        """The rounds that this person reaches as an assessor."""
        return frozenset(
            held.round_id for held in self.roles if held.round_id is not None and held.role in ROLES_WITH[permission]
        )
