# mypy: disallow-subclassing-any=False
"""GOV.UK widgets with bold labels, and one for dates that survives whatever is sent to it."""

from typing import Any

from flask import current_app
from govuk_frontend_wtf import wtforms_widgets as govuk
from govuk_frontend_wtf.gov_form_base import GovFormBase, GovIterableBase
from markupsafe import Markup


class _Look:
    """Mixed into each GOV.UK widget: bold labels, no empty hints, no page context drawn per field."""

    label_classes = "govuk-label--s"

    def map_gov_params(self, field: Any, **kwargs: Any) -> dict[str, Any]:
        params: dict[str, Any] = super().map_gov_params(field, **kwargs)  # type: ignore[misc]
        if not (params.get("hint") or {}).get("text") and not (params.get("hint") or {}).get("html"):
            params["hint"] = None
        if isinstance(self, GovIterableBase):
            params.setdefault("idPrefix", field.id)
            if "fieldset" in params:
                params["fieldset"].setdefault("legend", {"text": field.label.text})
                params["fieldset"]["legend"].setdefault("classes", "govuk-fieldset__legend--s")
        else:
            params["label"].setdefault("classes", self.label_classes)
        for lifted in ("autocomplete", "inputmode", "spellcheck"):
            if lifted in params.get("attributes", {}):
                params[lifted] = params["attributes"].pop(lifted)
        return params

    def render(self, params: dict[str, Any]) -> Markup:
        return Markup(current_app.jinja_env.get_template(self.template).render(params=params))  # type: ignore[attr-defined]


class TextWidget(_Look, govuk.GovTextInput):
    pass


class EmailWidget(_Look, govuk.GovTextInput):
    input_type = "email"


class TextAreaWidget(_Look, govuk.GovTextArea):
    pass


class CharacterCountWidget(_Look, govuk.GovCharacterCount):
    pass


class SelectWidget(_Look, govuk.GovSelect):
    pass


class RadiosWidget(_Look, govuk.GovRadioInput):
    pass


class CheckboxesWidget(_Look, govuk.GovCheckboxesInput):
    pass


class CheckboxWidget(_Look, govuk.GovCheckboxInput):
    pass


class PasswordWidget(_Look, govuk.GovPasswordInput):
    pass


class FileWidget(_Look, govuk.GovFileInput):
    pass


class SubmitWidget(govuk.GovSubmitInput):
    def map_gov_params(self, field: Any, **kwargs: Any) -> dict[str, Any]:
        params: dict[str, Any] = super().map_gov_params(field, **kwargs)
        params.setdefault("preventDoubleClick", True)
        # The browser then sends the button only when it was the one pressed, which WTForms reads as True.
        params["value"] = "1"
        return params

    render = _Look.render


class PoundsWidget(TextWidget):
    """A text box after a £ sign."""

    def map_gov_params(self, field: Any, **kwargs: Any) -> dict[str, Any]:
        params = super().map_gov_params(field, **kwargs)
        params.setdefault("prefix", {"text": "£"})
        params.setdefault("classes", "govuk-input--width-10 app-input--money")
        params.setdefault("inputmode", "decimal")
        params.setdefault("spellcheck", False)
        return params


class WholeNumberWidget(TextWidget):
    def map_gov_params(self, field: Any, **kwargs: Any) -> dict[str, Any]:
        params = super().map_gov_params(field, **kwargs)
        params.setdefault("classes", "govuk-input--width-5")
        params.setdefault("inputmode", "numeric")
        params.setdefault("spellcheck", False)
        return params


class DateWidget(GovFormBase):
    """Day, month and year, with the wrong part marked."""

    template = "govuk_frontend_wtf/date.html"

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        params: dict[str, Any] = {
            "id": field.id,
            "fieldset": {"legend": {"text": field.label.text, "classes": "govuk-fieldset__legend--s"}, "role": "group"},
            "hint": {"text": field.description} if field.description else None,
            "items": [
                {
                    "label": part.capitalize(),
                    "id": f"{field.id}-{part}",
                    "name": f"{field.name}-{part}",
                    "classes": f"govuk-input--width-{4 if part == 'year' else 2}"
                    + (" govuk-input--error" if part in field.wrong_parts else ""),
                    "value": typed,
                }
                for part, typed in zip(field.PARTS, field.parts, strict=True)
            ],
        }
        if field.errors:
            params["errorMessage"] = {"text": field.errors[0]}
        return self.render(self.merge_params(params, kwargs.get("params", {})))

    render = _Look.render
