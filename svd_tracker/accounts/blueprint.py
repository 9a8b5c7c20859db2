"""The blueprint of the pages of people, settings and deputies."""

from flask import Blueprint

bp = Blueprint("accounts", __name__)
