# mypy: disallow-subclassing-any=False
"""Forms for people, roles and settings."""

from collections.abc import Mapping, Sequence

from svd_tracker.accounts.models import Area, Holder, Organisation, Role
from svd_tracker.accounts.settings import SettingKind
from svd_tracker.web.forms import (
    DateField,
    EmailField,
    Form,
    OnceMixin,
    PoundsField,
    SelectField,
    TextField,
    VersionedForm,
    WholeNumberField,
    max_length,
    required,
)

LONGEST_DAYS = 90


class PersonForm(VersionedForm, Form):
    name = TextField("Full name", [required("Enter the person's name"), max_length(250)])
    organisation = SelectField("Organisation", coerce=int)

    def offer(self, organisations: Sequence[Organisation]) -> None:
        """Which organisations can be chosen; nought is none."""
        self.organisation.choices = [(0, "None")] + [(one.id, one.name) for one in organisations]


class NewPersonForm(OnceMixin, Form):
    email = EmailField(
        "Email address",
        [required("Enter the person's email address"), max_length(250)],
        description="They sign in with it.",
    )
    name = TextField("Full name", [required("Enter the person's name"), max_length(250)])
    organisation = SelectField("Organisation", coerce=int)
    new_organisation = TextField(
        "Or a new organisation", [max_length(250)], description="Leave blank when it is in the list."
    )
    area = SelectField("Area of the new organisation", coerce=int)
    offer = PersonForm.offer

    def offer_areas(self, areas: Sequence[Area]) -> None:
        self.area.choices = [(area.id, area.name) for area in areas]


class RoleForm(OnceMixin, Form):
    role = SelectField("Role", choices=[(role.value, role.label) for role in Role])
    holder = SelectField(
        "Of which partnership or OPCC",
        description="OPCC officers, auditors and proposers are of the area; administrators of everything.",
    )

    def offer(self, holders: Sequence[Holder], areas: Sequence[Area]) -> None:
        """Holders are chosen as "holder-3", areas as "area-1"."""
        self.holder.choices = (
            [("", "None: the whole installation")]
            + [(f"area-{area.id}", f"The area: {area.name}") for area in areas]
            + [(f"holder-{holder.id}", holder.name) for holder in holders]
        )

    def chosen(self) -> tuple[int | None, int | None]:
        """The area id and the holder id that were chosen."""
        kind, _, number = (self.holder.data or "").partition("-")
        return (int(number) if kind == "area" else None, int(number) if kind == "holder" else None)


class DeputyForm(OnceMixin, Form):
    deputy = EmailField(
        "The deputy's email address",
        [required("Enter the email address that the deputy signs in with"), max_length(250)],
        description="They need an account here. A deputy certifies only what they did not prepare.",
    )
    from_on = DateField("The first day")
    to_on = DateField("The last day", description="That day included. You can end it sooner.")
    reason = TextField(
        "Why",
        [required("Say why there is a deputy, like annual leave"), max_length(250)],
        description="Like annual leave. The auditor reads it.",
    )


class ConfirmForm(OnceMixin, Form):
    """Nothing to fill in: a page that asks whether to go on."""


def settings_form(kinds: Mapping[str, SettingKind]) -> type[Form]:
    """A form with one box for each setting, in the unit a person thinks in: pounds, per cent, a quarter, days."""
    fields: dict[str, object] = {}
    for key, kind in kinds.items():
        if kind.unit == "pence":
            fields[key] = PoundsField(kind.label, [required("Enter an amount")], description=kind.hint)
        elif kind.unit == "bp":
            fields[key] = WholeNumberField(
                f"{kind.label} (per cent)", [required("Enter a number")], description=kind.hint
            )
        elif kind.unit == "quarter":
            fields[key] = WholeNumberField(
                kind.label, [required("Enter a quarter, 1 to 4")], smallest=1, largest=4, description=kind.hint
            )
        elif kind.unit == "days":
            fields[key] = WholeNumberField(
                kind.label, [required("Enter a number of days")], largest=LONGEST_DAYS, description=kind.hint
            )
        elif kind.unit == "yes_no":
            fields[key] = SelectField(
                kind.label,
                [required("Choose yes or no")],
                coerce=int,
                choices=[(1, "Yes"), (0, "No")],
                description=kind.hint,
            )
    fields["reason"] = TextField("Why it changes", [required("Say why it changes"), max_length(250)])
    return type("SettingsForm", (VersionedForm, Form), fields)


def typed_settings(form: Form, kinds: Mapping[str, SettingKind]) -> dict[str, str]:
    """What was typed, as settings are stored: whole pence, and basis points for a per cent."""
    return {key: str(form[key].data * 100 if kind.unit == "bp" else form[key].data) for key, kind in kinds.items()}
