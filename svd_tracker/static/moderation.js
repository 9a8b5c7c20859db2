// Asks now and then whether somebody changed what this page shows, and says so. Nothing is done by itself: without
// this file, and in between, a save that would overwrite another's is refused and says what changed.
const PAUSE = 15000;

function watch(place) {
  const shown = place.dataset.stamp;

  function say() {
    const again = document.createElement("a");
    again.className = "govuk-link";
    again.href = window.location.pathname;
    again.textContent = "Refresh the page";
    place.replaceChildren("Somebody changed this since you opened it. ", again);
    place.classList.add("app-meeting__changed--said");
  }

  async function ask() {
    if (document.hidden) return;
    try {
      const answer = await fetch(place.dataset.stampUrl, { headers: { Accept: "application/json" }, redirect: "error" });
      if (answer.ok && (await answer.json()).stamp !== shown) {
        clearInterval(timer);
        say();
      }
    } catch {
      // No connection, or the sign-in has ended: the next question, or the next save, tells.
    }
  }

  const timer = setInterval(ask, PAUSE);
  document.addEventListener("visibilitychange", ask);
}

document.querySelectorAll("[data-stamp]").forEach(watch);
