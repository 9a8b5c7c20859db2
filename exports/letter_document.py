"""A letter of offer or refusal as a Word document: to be printed on the council's paper, or sent on."""

import datetime as dt
from dataclasses import dataclass

from docx.shared import Pt

from exports.documents import NEUTRAL_COLOUR
from exports.word import clean, new_document, to_bytes
from svd_tracker.periods import format_date


@dataclass(frozen=True)
class LetterDocument:
    """A letter as issued. ``body``: paragraphs with an empty line between; ``superseded`` stands at its head."""

    council: str
    partnership: str
    to_name: str
    reference: str
    subject: str
    body: str
    issued_at: dt.datetime
    superseded: str = ""
    colour: str = NEUTRAL_COLOUR


def build_letter(letter: LetterDocument) -> bytes:
    """The .docx of a letter: its subject is the heading, its language British English. The same letter, same bytes."""
    document = new_document(
        letter.subject,
        f"{letter.council} (svd_tracker)",
        letter.issued_at,
        colour=letter.colour,
        marking=letter.superseded,
    )
    head = document.add_paragraph()
    head.add_run(clean(letter.council)).bold = True
    head.add_run("\n" + clean(letter.partnership))
    document.add_paragraph(clean(letter.to_name))
    document.add_paragraph(f"{format_date(letter.issued_at.date())}\n{clean(f'Our reference: {letter.reference}')}")
    document.add_heading(clean(letter.subject), 1)
    for paragraph in letter.body.split("\n\n"):
        document.add_paragraph(clean(paragraph)).paragraph_format.space_after = Pt(8)
    return to_bytes(document)
