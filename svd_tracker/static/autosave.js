// Keeps scores as they are typed, by sending the page's own form. Without this file the Save button does the same.
const PAUSE = 4000;

function watch(form) {
  const status = form.querySelector("[data-autosave-status]");
  const version = form.elements.namedItem("row_version");
  const state = () => JSON.stringify([...new FormData(form)].filter(([name]) => name !== "row_version"));
  let saved = state();
  let timer = 0;
  let running = null;
  let stopped = document.querySelector(".govuk-error-summary, .app-conflict") !== null;
  let leaving = false;

  const say = (words) => { status.textContent = words; };
  const stop = () => {
    stopped = true;
    say("Not saved by itself. Use the Save button, which says what is wrong.");
  };

  async function save() {
    const sending = state();
    if (stopped || sending === saved) return;
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "follow" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const newer = page.querySelector("[data-autosave] [name=row_version]");
      if (!answer.ok || !newer || page.querySelector(".govuk-error-summary, .app-conflict")) return void stop();
      version.value = newer.value;
      saved = sending;
      say(`Saved at ${new Date().toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`);
    } catch {
      say("Not saved: there is no connection. It will be tried again after the next change.");
    }
  }

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => { running = save().finally(() => { running = null; }); }, PAUSE);
  });
  // A button pressed while a save is on its way waits for it: its answer brings the version that the next one needs.
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    leaving = true;
    if (!running) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const button = event.submitter;
    running.then(() => form.requestSubmit(button));
  }, { capture: true });
  window.addEventListener("pageshow", () => { leaving = false; });
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && (state() !== saved || document.querySelector(".govuk-error-summary, .app-conflict"))) event.preventDefault();
  });
}

document.querySelectorAll("form[data-autosave]").forEach(watch);
