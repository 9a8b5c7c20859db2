# mypy: disallow-subclassing-any=False
"""The forms of who does what in a round."""

from collections.abc import Mapping, Sequence

from svd_tracker.accounts.models import Person
from svd_tracker.web.forms import Form, SelectField, TextField, VersionedForm, max_length, required

CHOOSE = ("", "Choose one")


def _choices(people: Sequence[Person]) -> list[tuple[object, str]]:
    return [
        CHOOSE,
        *(
            (person.id, f"{person.name}, {person.organisation.name if person.organisation else 'no organisation'}")
            for person in people
        ),
    ]


class PersonForm(Form):
    person_id = SelectField("Person", [required("Choose a person")], coerce=int)

    def offer(self, people: Sequence[Person]) -> None:
        self.person_id.choices = _choices(people)


class SubstituteForm(PersonForm):
    reason = TextField("Why they cannot score", [required("Enter why the substitute is needed"), max_length(250)])


class ChairForm(PersonForm, VersionedForm):
    pass


class StandInForm(PersonForm):
    for_id = SelectField("For whom", [required("Choose for whom they stand in")])
    reason = TextField(
        "Why",
        [required("Enter why somebody stands in"), max_length(250)],
        description="Like: has declared an interest in P-04",
    )

    def offer_coordinators(self, pairs: Mapping[tuple[int, int], str]) -> None:
        """``pairs``: by person and partnership, both in words."""
        self.for_id.choices = [
            CHOOSE,
            *((f"{person_id}-{holder_id}", words) for (person_id, holder_id), words in pairs.items()),
        ]


class EndForm(Form):
    reason = TextField("Why it ends", [required("Enter why it ends"), max_length(250)])
