"""The decision pack as a Word document: for the agenda, to be edited and printed."""

from docx.document import Document as WordDocument

from exports.papers import Paper, PaperTable, shown
from exports.word import add_table, clean, new_document, to_bytes


def build_pack_document(paper: Paper) -> bytes:
    """The .docx of a paper. The same paper gives the same bytes."""
    document = new_document(
        paper.title,
        f"{paper.made_by} (svd_tracker)",
        paper.made_at,
        colour=paper.colour,
        marking=paper.marking,
        landscape=True,
    )
    document.add_heading(clean(paper.title), 0)
    document.add_paragraph(clean(f"{paper.subtitle}. {paper.state}."))
    for label, fact in paper.facts:
        paragraph = document.add_paragraph()
        paragraph.add_run(f"{clean(label)}: ").bold = True
        paragraph.add_run(clean(fact))
    for note in paper.notes:
        document.add_paragraph(clean(note))
    for section in paper.sections:
        document.add_heading(clean(section.title), 1)
        for words in section.words:
            document.add_paragraph(clean(words))
        for table in section.tables:
            if table.caption != section.title and len(section.tables) > 1:
                document.add_heading(clean(table.caption), 2)
            if not table.rows:
                document.add_paragraph(clean(table.empty))
                continue
            _add(document, table)
            document.add_paragraph()
    return to_bytes(document)


def _add(document: WordDocument, table: PaperTable) -> None:
    heads = [(head.words, head.numeric, head.width) for head in table.heads]
    rows = [[shown(cell) for cell in row] for row in table.rows]
    if table.total:
        rows[-1] = ["" if cell is None else shown(cell) for cell in table.rows[-1]]
    made = add_table(document, heads, rows)
    if table.total:
        for cell in made.rows[-1].cells:
            for run in cell.paragraphs[0].runs:
                run.bold = True
