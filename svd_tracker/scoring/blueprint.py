"""The blueprint of the scoring pages, and where the records behind their addresses live."""

from flask import Blueprint

bp = Blueprint("scoring", __name__)
