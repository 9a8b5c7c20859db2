"""Pages of no feature: the accessibility statement and the council's colour."""

import re

from flask import Blueprint, Response, current_app, render_template
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import requires
from svd_tracker.accounts.permissions import Permission

bp = Blueprint("web", __name__)

DEFAULT_COLOUR = "00594f"
ENOUGH_CONTRAST = 4.5  # WCAG 2.2, 1.4.3


@bp.get("/accessibility")
@requires(Permission.PUBLIC)
def accessibility() -> ResponseReturnValue:
    return render_template("web/accessibility.html")


@bp.get("/brand.css")
@requires(Permission.PUBLIC)
def brand() -> Response:
    """The council's colour as custom properties: a stylesheet of its own, because the policy allows no inline style."""
    response = Response(brand_css(current_app.config.get("COUNCIL_COLOUR", "")), mimetype="text/css")
    response.cache_control.public = True
    response.cache_control.max_age = 3600
    return response


def brand_css(colour: str) -> str:
    """The stylesheet for a colour of six hexadecimal figures; the default colour for anything else.

    Text on the colour is white where that can be read, otherwise black.
    """
    chosen = colour.removeprefix("#").lower()
    if not re.fullmatch(r"[0-9a-f]{6}", chosen):
        chosen = DEFAULT_COLOUR
    on_brand = "#ffffff" if 1.05 / (_luminance(chosen) + 0.05) >= ENOUGH_CONTRAST else "#0b0c0c"
    return f":root{{--govuk-brand-colour:#{chosen};--app-on-brand:{on_brand}}}\n"


def _luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
