"""The pictures of docs/guides/coordinator.md and assessor.md: a made-up round of forty proposals, and Dorset's own."""

import datetime as dt

from picture_tools import Demo

COORDINATOR, CHAIR = "coordinator@dorset.example", "chair@dorset.example"
HALF_WAY, NOT_BEGUN = "assessor.voluntary@voluntary.example", "assessor.schools@schools.example"
FORTY, DORSET = "Local violence prevention round", "projects 2025/26"
OPENS, CLOSES = dt.date(2025, 7, 11), dt.date(2025, 8, 1)
EVENING = dt.datetime(2025, 7, 11, 19, 42, tzinfo=dt.UTC)
SAVE_NEXT = "Save and go to the next proposal"
MARKS = "main input[type=radio][name^=mark_]"
WORTH = (7, 8, 6, 6, 5, 5, 3, 6, 2, 7)  # of the ten ideas, each tried in four places, in tenths of a scale
STARTS = {
    "line": "As the line says",
    "in_part": "The one on the line in part",
    "next_that_fits": "What does not fit is passed over",
}
TYPED = "The schools asked for this themselves, and the numbers are the county's own"
REASON = "Two of us know the schools and had expected more of them to take part: the group settled on this mark"


def coordinator(demo: Demo) -> None:
    demo.sign_in(COORDINATOR)
    _a_new_round(demo)
    _a_link(demo)
    _scores_are_waited_for(demo)
    _all_send(demo)
    _the_meeting(demo)
    _the_options(demo)
    _a_draft_decision(demo)
    _letter_and_pack(demo)


def _to(demo: Demo, name: str, *links: str) -> None:
    """A round's page, and on from there."""
    demo.go("/rounds")
    for words in (name, *links):
        demo.follow(words)


def _choose(demo: Demo, field: str, words: str) -> None:
    """The first choice of a list that has these words."""
    choice = demo.page.locator(f"#{field} option", has_text=words).first
    demo.page.select_option(f"#{field}", value=choice.get_attribute("value"))


def _a_new_round(demo: Demo) -> None:
    page = demo.page
    demo.go("/rounds/add")
    _choose(demo, "year", "Local violence prevention fund")
    demo.fill(name="Autumn round (illustrative)")
    demo.day("opens_on", OPENS)
    demo.day("closes_on", CLOSES)
    demo.press("Save the round")
    demo.picture("coordinator-1-round", heading="RND-03", height=640)
    demo.follow("How proposals are scored")
    demo.follow("Copy the scheme")
    _choose(demo, "from_round_id", FORTY)
    demo.press("Copy the scheme")
    demo.picture("coordinator-2-scheme", heading="Autumn round", height=1020)
    _to(demo, "Autumn round", "Whose money")
    for box in page.locator("main input[name$=-in_round]").all():
        box.check()
    demo.press("Save")
    _to(demo, "Autumn round", "Who does what")
    _choose(demo, "person_id", "fire and rescue")
    demo.press("Add")
    _to(demo, "Autumn round", "Open")
    demo.press()


def _a_link(demo: Demo) -> None:
    _to(demo, "Autumn round", "Add a proposal")
    _choose(demo, "organisation_id", "Purbeck Outreach")
    demo.fill(title="Walk-in evenings at the harbour")
    demo.press("Start")
    _to(demo, "Autumn round", "Walk-in evenings", "Personal links", "Make a link")
    demo.fill(contact_name="Project manager, Purbeck Outreach", address="manager@purbeck.example")
    demo.day("expires_on", CLOSES + dt.timedelta(days=14))
    demo.press("Make the link")
    demo.picture("coordinator-3-link", heading="P-01", height=480)


def _scores_are_waited_for(demo: Demo) -> None:
    _to(demo, FORTY, "Checks before scoring", "Street pastors")
    demo.picture("coordinator-4-checks", height=900)
    _board(demo)
    demo.picture("coordinator-5-board", height=1000)
    demo.follow("From paper")
    _give(demo, 3)
    demo.picture("coordinator-6-paper", height=860)


def _board(demo: Demo) -> None:
    _to(demo, FORTY)
    with demo.page.expect_navigation():
        demo.page.get_by_role("link", name="Scoring", exact=True).click()


def _all_send(demo: Demo) -> None:
    """Those who have not sent do, through their own pages."""
    for person in (HALF_WAY, NOT_BEGUN):
        demo.sign_in(person)
        _declare(demo)
        _score_the_rest(demo)
        _send(demo)
    demo.sign_in(COORDINATOR)


def _declare(demo: Demo) -> None:
    """Says that there are no interests but those declared, where that was not said before."""
    _to(demo, FORTY, "Declare your interests")
    while (button := demo.page.locator("main form button", has_text="I have no")).count():
        with demo.page.expect_navigation():
            button.first.click()


def _score_the_rest(demo: Demo) -> None:
    """Each proposal that still needs marks, by how good its idea is."""
    _board(demo)
    left = demo.page.locator("main tbody tr").filter(has_not_text="Nothing").filter(has_not_text="Complete")
    for path, title in [(link.get_attribute("href"), link.inner_text()) for link in left.locator("th a").all()]:
        demo.go(str(path))
        number = int(title.split()[0].removeprefix("P-")) - 1
        _give(demo, WORTH[number % len(WORTH)])
        demo.press(SAVE_NEXT)


def _send(demo: Demo) -> None:
    _board(demo)
    demo.follow("Send")
    demo.press("Send my scores")


def _the_meeting(demo: Demo) -> None:
    _to(demo, FORTY, "Ranking", "Moderation")
    demo.page.locator("main tbody a").first.click()
    demo.follow("Agree on a mark")
    demo.page.locator("input[name=mark]:not([value=''])").nth(3).check()
    demo.fill(reason=REASON)
    demo.press("Save what the group agreed")
    _to(demo, FORTY, "Ranking", "Moderation")
    demo.picture("coordinator-7-meeting", height=1000, width=1440)
    _to(demo, FORTY, "Checks before scoring", "Street pastors", "Refuse it")
    demo.fill(reason="It came two days after the last day, and nothing had kept it")
    demo.press()
    _to(demo, FORTY, "Close scoring")
    demo.press()


def _the_options(demo: Demo) -> None:
    for start, name in STARTS.items():
        _to(demo, FORTY, "Options for the funding line", "Make an option")
        demo.fill(name=name)
        demo.page.locator(f"input[name=start][value={start}]").check()
        demo.press("Make the option")
    _to(demo, FORTY, "Options for the funding line")
    demo.picture("coordinator-8-options", heading="Dorset Community", height=960)
    demo.follow(STARTS["in_part"])
    demo.follow("Choose this option")
    demo.press()


def _a_draft_decision(demo: Demo) -> None:
    _to(demo, FORTY, "Decisions")
    in_part = demo.page.locator("main tr", has_text="fund in part")
    with demo.page.expect_navigation():
        in_part.locator("a", has_text="Record the decision").first.click()
    demo.picture("coordinator-9-decide", height=1080)


def _letter_and_pack(demo: Demo) -> None:
    _to(demo, DORSET, "Decisions", "owed")
    refused = demo.page.locator("main tr", has_text="Reject").filter(has=demo.page.locator("a", has_text="Issue it"))
    with demo.page.expect_navigation():
        refused.locator("a", has_text="Issue it").first.click()
    letter = demo.page.url
    demo.follow("feedback")
    demo.press("Save the feedback")
    demo.go(letter)
    demo.picture("coordinator-10-letter", height=1200)
    _to(demo, DORSET, "Decision pack")
    demo.picture("coordinator-11-pack", height=1000)


def assessor(demo: Demo) -> None:
    demo.sign_in(NOT_BEGUN)
    _to(demo, FORTY, "Declare your interests")
    demo.picture("assessor-1-interests", height=900)
    demo.sign_in(HALF_WAY)
    _board(demo)
    demo.picture("assessor-2-list", height=860)
    demo.follow("Go on with")
    _typed_and_kept(demo)
    _score_the_rest(demo)
    _board(demo)
    demo.follow("Send my scores")
    demo.picture("assessor-6-send", height=560)
    demo.sign_in(CHAIR)
    demo.follow("interests to rule on")
    demo.picture("assessor-7-rulings", height=860)


def _typed_and_kept(demo: Demo) -> None:
    """The page where one scores, on a laptop and on a phone, and what it keeps when it is left before it has saved."""
    page, address = demo.page, demo.page.url
    page.clock.set_fixed_time(EVENING)
    _give(demo, 6)
    page.locator("main textarea").first.fill(TYPED)
    demo.picture("assessor-3-score", height=1000)
    demo.picture("assessor-4-phone", heading="criterion by criterion", height=780, width=390)
    page.once("dialog", lambda question: question.accept())
    demo.go(address)
    page.wait_for_selector(".app-kept")
    demo.picture("assessor-5-kept", height=1000)


def _give(demo: Demo, worth: int) -> None:
    """A mark for each criterion, about ``worth`` tenths of its scale."""
    page = demo.page
    names = page.eval_on_selector_all(MARKS, "all => [...new Set(all.map(one => one.name))]")
    for name in names:
        marks = page.locator(f"input[name={name}]:not([value=''])")
        marks.nth(round((marks.count() - 1) * worth / 10)).check()
