"""Pages of feedback and letters: writing them, the words of the area's letters, a letter to read, print and save."""

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from exports.letter_document import LetterDocument, build_letter
from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access, current_act, requires
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.audit import once
from svd_tracker.decisions import feedback as feedbacks
from svd_tracker.decisions import follow_up_forms as forms
from svd_tracker.decisions import letter_templates, letters, queries
from svd_tracker.decisions.blueprint import bp, own_decision_scope, scope_of_own
from svd_tracker.decisions.models import DecisionLetter, LetterKind
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import link_queries
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.scopes import of_round
from svd_tracker.scoring import queries as scoring
from svd_tracker.web.downloads import file_answer

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def _letter_scope(letter_id: int) -> Scope:
    return scope_of_own(queries.get_decision(letters.get_letter(letter_id).decision_id))


@bp.route("/decisions/<int:decision_id>/feedback", methods=["GET", "POST"])
@requires(Permission.DECIDE, own_decision_scope)
def feedback(decision_id: int) -> ResponseReturnValue:
    """Strengths and gaps; a first version starts from the moderated reasons and the means in words."""
    decision = queries.get_decision(decision_id)
    proposal = decision.proposal
    standing = feedbacks.newest([proposal.id]).get((proposal.id, decision.holder_id))
    why_not = scoring.hidden_because(proposal.round, current_access())
    if standing:
        strengths, gaps = standing.strengths, standing.gaps
    else:
        strengths, gaps = feedbacks.starting_words(proposal) if why_not is None else ("", "")
    version = standing.version_no if standing else 0
    form = forms.FeedbackForm(data={"strengths": strengths, "gaps": gaps, "row_version": version})
    back, clash = url_for("decisions.show", decision_id=decision.id), None
    if form.validate_on_submit():
        try:
            feedbacks.write_feedback(
                decision, form.strengths.data or "", form.gaps.data or "", form.row_version.data, current_act()
            )
            db.session.commit()
        except ChangedMeanwhile as changed:
            db.session.rollback()
            clash = form.take_newer(changed.current, version)
        except NotAllowed:
            raise
        except Refused as refused:
            db.session.rollback()
            form.refuse(refused.message, refused.field)
        else:
            flash("The feedback is saved.", "success")
            return redirect(back, 303)
    return render_template(
        "decisions/feedback.html",
        form=form,
        decision=decision,
        standing=standing,
        why_not=why_not,
        clash=clash,
        cancel_url=back,
    )


@bp.route("/decisions/<int:decision_id>/letter", methods=["GET", "POST"])
@requires(Permission.DECIDE, own_decision_scope)
def letter(decision_id: int) -> ResponseReturnValue:
    """How the letter would read now, and issuing it."""
    decision = queries.get_decision(decision_id)
    known = next((each for each in link_queries.links_of(decision.proposal_id) if each.revoked_at is None), None)
    form = forms.LetterForm(data={"to_name": known.contact_name, "address": known.address} if known else None)
    used = once.result_of(form.once_key.data) if request.method == "POST" else None
    if used:
        return redirect(used, 303)
    if form.validate_on_submit():
        try:
            act = current_act()
            issued_now = letters.issue_letter(decision, form.to_name.data or "", form.address.data or "", act)
            url = url_for("decisions.issued", letter_id=issued_now.id)
            once.use_up(form.once_key.data, url, act)
            db.session.commit()
        except NotAllowed:
            raise
        except Refused as refused:
            db.session.rollback()
            form.refuse(refused.message, refused.field)
        else:
            flash("The letter is issued.", "success")
            return redirect(url, 303)
    return render_template(
        "decisions/letter.html",
        form=form,
        decision=decision,
        text=letters.compose(decision, form.to_name.data or ""),
        label=letter_templates.LABELS[letters.KIND_OF[decision.outcome]],
        kind=letters.KIND_OF[decision.outcome],
        why_not=letters.why_not_yet(decision),
        feedback=feedbacks.newest([decision.proposal_id]).get((decision.proposal_id, decision.holder_id)),
        earlier=letters.letters_of([decision.id]).get(decision.id, []),
    )


@bp.get("/letters/<int:letter_id>")
@requires(Permission.VIEW_PAPERS, _letter_scope)
def issued(letter_id: int) -> ResponseReturnValue:
    """A letter as it was issued, to read and to print."""
    found = letters.get_letter(letter_id)
    decision = queries.get_decision(found.decision_id)
    return render_template(
        "decisions/issued.html",
        letter=found,
        decision=decision,
        label=letter_templates.LABELS[found.kind],
        superseded=not queries.is_standing(decision),
        names=accounts.person_names([found.recorded_by]),
    )


@bp.get("/letters/<int:letter_id>.docx")
@requires(Permission.VIEW_PAPERS, _letter_scope)
def letter_docx(letter_id: int) -> ResponseReturnValue:
    found = letters.get_letter(letter_id)
    decision = queries.get_decision(found.decision_id)
    content = build_letter(_document(found, superseded=not queries.is_standing(decision)))
    round_ = decision.proposal.round
    return file_answer(content, f"letter-{round_.ref}-{decision.proposal.ref}-{decision.holder.ref}.docx", DOCX)


def _document(found: DecisionLetter, *, superseded: bool) -> LetterDocument:
    decision = queries.get_decision(found.decision_id)
    return LetterDocument(
        council=str(current_app.config["COUNCIL_NAME"]),
        partnership=decision.holder.name,
        to_name=found.to_name,
        reference=f"{decision.proposal.round.ref} {decision.proposal.ref}",
        subject=found.subject,
        body=found.body,
        issued_at=found.recorded_at,
        superseded=letters.SUPERSEDED if superseded else "",
        colour=str(current_app.config["COUNCIL_COLOUR"]),
    )


@bp.get("/rounds/<int:round_id>/letter-words")
@requires(Permission.MANAGE_ROUND, of_round(Permission.MANAGE_ROUND))
def letter_words(round_id: int) -> ResponseReturnValue:
    """The words of the area's letters, each kind with how it reads now."""
    round_ = rounds.get_round(round_id)
    return render_template(
        "decisions/letter_words.html",
        round=round_,
        words=letter_templates.words_of(round_.area_id),
        labels=letter_templates.LABELS,
    )


@bp.route("/rounds/<int:round_id>/letter-words/<kind>", methods=["GET", "POST"])
@requires(Permission.MANAGE_ROUND, of_round(Permission.MANAGE_ROUND))
def edit_letter_words(round_id: int, kind: str) -> ResponseReturnValue:
    round_ = rounds.get_round(round_id)
    if kind not in list(LetterKind):
        raise NotFound("kind of letter")
    chosen = LetterKind(kind)
    now = letter_templates.words_of(round_.area_id)[chosen]
    form = forms.WordsForm(data={"subject": now.subject, "body": now.body, "row_version": now.version_no})
    back, clash = url_for("decisions.letter_words", round_id=round_id), None
    if form.validate_on_submit():
        try:
            letter_templates.save_words(
                round_.area,
                chosen,
                form.subject.data or "",
                form.body.data or "",
                form.row_version.data,
                current_act(),
            )
            db.session.commit()
        except ChangedMeanwhile as changed:
            db.session.rollback()
            clash = form.take_newer(changed.current, now.version_no)
        except NotAllowed:
            raise
        except Refused as refused:
            db.session.rollback()
            form.refuse(refused.message, refused.field)
        else:
            flash("The words are saved. Letters already issued stay as they are.", "success")
            return redirect(back, 303)
    return render_template(
        "decisions/edit_letter_words.html",
        form=form,
        round=round_,
        label=letter_templates.LABELS[chosen],
        places=letter_templates.PLACES,
        clash=clash,
        cancel_url=back,
    )
